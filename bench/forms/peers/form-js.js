// SPDX-License-Identifier: EUPL-1.2
import { Form } from '@bpmn-io/form-js-viewer'
import '@bpmn-io/form-js-viewer/dist/assets/form-js.css'
import schema from '../service/application.form'

const form = new Form({ container: document.querySelector('#form') })
form.on('submit', ({ errors }) => { document.body.dataset.sent = Object.keys(errors).length ? 'errors' : 'yes' })
await form.importSchema(schema, {})
