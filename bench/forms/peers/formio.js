// SPDX-License-Identifier: EUPL-1.2
import { Formio } from '@formio/js'
import 'bootstrap/dist/css/bootstrap.min.css'
import 'bootstrap-icons/font/bootstrap-icons.css'
import '@formio/js/dist/formio.form.min.css'
import components from 'formio-json'

// What it loads from its vendor's server while it runs (the calendar's style) comes from ours.
Formio.cdn.setBaseUrl(location.origin + '/cdn')
const form = await Formio.createForm(document.querySelector('#form'), { components: [...components, { type: 'button', action: 'submit', label: 'Weiter', key: 'submit', input: true }] }, { language: 'de' })
form.nosubmit = true
form.on('submit', () => { document.body.dataset.sent = 'yes' })
