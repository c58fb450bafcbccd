// SPDX-License-Identifier: EUPL-1.2
// Turns the form of the benchmark (form-js JSON) into the JSON of Form.io: the same questions, kinds, rules and conditions.
// What it doesn't know it refuses, so that no renderer is asked less than the others.

const shown = /^=(?:(\w+) = null or )?(\w+) != (?:"(\w+)"|(true))$/

function conditional(c) {
  if (!c.conditional) return undefined
  const m = shown.exec(c.conditional.hide)
  if (!m) throw new Error(`${c.key}: no condition of Form.io says ${c.conditional.hide}`)
  return { show: true, when: m[2], eq: m[4] ? true : m[3] }
}

// open: for the renderer of Open Forms, which has kinds of its own for dates and wants its extensions to be there.
export function formio(form, { open = false } = {}) {
  return form.components.map((c) => {
    const common = { type: c.type, key: c.key, id: c.id, input: true, label: c.label, validate: { ...c.validate }, conditional: conditional(c), clearOnHide: true }
    if (open) Object.assign(common, { openForms: {}, tableView: false, multiple: false })
    const autocomplete = c.properties?.autocomplete
    switch (c.type) {
      case 'text': return { type: 'content', key: c.id, id: c.id, html: `<h1>${c.text}</h1>` }
      case 'textfield': return { ...common, autocomplete }
      case 'textarea': return { ...common, rows: 4, autoExpand: false }
      case 'number': return { ...common, decimalLimit: c.decimalDigits, requireDecimal: false }
      case 'checkbox': return common
      case 'radio': return { ...common, values: c.values, ...(open ? { openForms: { dataSrc: 'manual' }, defaultValue: '' } : {}) }
      case 'select': return { ...common, data: { values: c.values }, dataSrc: 'values', ...(open ? { openForms: { dataSrc: 'manual' } } : {}) }
      case 'datetime':
        if (c.subtype !== 'date') break
        if (open) return { ...common, type: 'date', openForms: { widget: 'datePicker' } }
        return { ...common, format: 'dd.MM.yyyy', enableTime: false, enableDate: true }
    }
    throw new Error(`${c.key}: ${c.type} isn't converted`)
  })
}
