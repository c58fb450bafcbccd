// SPDX-License-Identifier: EUPL-1.2

package web_test

import (
	"testing"

	"mercator/base/i18n"
	"mercator/web"
	"mercator/web/webtest"
)

func TestSheet(t *testing.T) {
	words, err := i18n.Load(web.Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: words})
	if err != nil {
		t.Fatal(err)
	}
	v, err := web.NewSheet(tmpl)
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, "sheet", v.Template("de"), web.Page[web.Sheet]{})
}
