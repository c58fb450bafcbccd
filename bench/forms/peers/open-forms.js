// SPDX-License-Identifier: EUPL-1.2
import { createElement as h } from 'react'
import { createRoot } from 'react-dom/client'
import { IntlProvider } from 'react-intl'
import { FormioForm } from '@open-formulieren/formio-renderer'
import '@open-formulieren/formio-renderer/formio-renderer.css'
import components from 'open-forms-json'

createRoot(document.querySelector('#form')).render(
  h(IntlProvider, { messages: {}, locale: 'en', defaultLocale: 'en' },
    h(FormioForm, { components, id: 'event', requiredFieldsWithAsterisk: true, onSubmit: async () => { document.body.dataset.sent = 'yes' } }),
    h('button', { type: 'submit', form: 'event' }, 'Weiter')))
