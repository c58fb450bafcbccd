// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/pdf"
	"mercator/domain/intake"
	"mercator/domain/intake/sheet"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"

	"github.com/boombuler/barcode/qr"
)

// printPage is an empty form to be printed.
type printPage struct {
	Intro string
	Code  string
	Alt   string
	QR    template.HTML
	PDF   ui.Buttons
	Parts []printPart
}

type printPart struct {
	Title string
	Items []printItem
}

type printItem struct {
	pdf.SheetItem
	Box string // "", "line", "text": what there is to write in
}

// blank is an empty form as a sheet, with a code of its own.
func (p *Pages) blank(r *http.Request) (pdf.Sheet, *i18n.Localizer, error) {
	loc := web.Localizer(r)
	tag, _, _ := strings.Cut(loc.Lang(), "-") // plain language is a variety of German
	s, lists, code, err := p.c.Intake.PaperForm(r.Context(), r.PathValue("id"), loc.Lang())
	if err != nil {
		return pdf.Sheet{}, loc, err
	}
	out := pdf.Sheet{Lang: tag, Title: s.Title.For(loc.Lang()), Created: p.c.Now(), PageOf: loc.T("sheet.pageOf", "page", "{page}", "pages", "{pages}"),
		Sender: pdf.Sender{Name: p.c.City, Office: p.c.Office(s.Office).For(loc.Lang())}, Intro: loc.T("intake.paper.intro", "office", p.c.Office(s.Office).For(loc.Lang())),
		Ticked: loc.T("sheet.ticked"), Unticked: loc.T("sheet.unticked"),
		Code:  &pdf.SheetCode{Content: code, Alt: loc.T("intake.paper.alt"), Lead: loc.T("intake.paper.lead"), Text: intake.ShowCode(code)},
		Parts: sheet.Empty(s.Form, lists, loc), Note: loc.T("intake.paper.note", "purpose", s.Purpose.For(loc.Lang()), "basis", s.Basis())}
	for _, c := range s.Cosigns { // by hand, if it applies: the paper doesn't know the answers
		out.Parts = append(out.Parts, pdf.SheetPart{Title: c.Title.For(loc.Lang()), Items: []pdf.SheetItem{{Text: c.Declares.For(loc.Lang())},
			{Label: loc.T("sheet.given_names"), Help: loc.T("sheet.ifApplies"), Lines: 1}, {Label: loc.T("sheet.family_name"), Lines: 1},
			{Label: loc.T("sheet.place"), Lines: 1}, {Label: loc.T("sheet.signature"), Lines: 2}}})
	}
	return out, loc, nil
}

func (p *Pages) showPrint(w http.ResponseWriter, r *http.Request) error {
	s, loc, err := p.blank(r)
	if err != nil {
		return err
	}
	page := printPage{Intro: s.Intro, Code: s.Code.Text, Alt: s.Code.Alt}
	if page.QR, err = qrSVG(s.Code.Content); err != nil {
		return fault.Wrap("intakeweb.print", err)
	}
	page.PDF.Items = []ui.Button{{Text: loc.T("intake.paper.pdf"), Icon: "download", Href: path("services", r.PathValue("id"), "paper.pdf")}}
	for _, part := range s.Parts {
		out := printPart{Title: part.Title}
		for _, it := range part.Items {
			x := printItem{SheetItem: it}
			switch {
			case it.Lines > 1:
				x.Box = "text"
			case it.Lines == 1:
				x.Box = "line"
			}
			out.Items = append(out.Items, x)
		}
		page.Parts = append(page.Parts, out)
	}
	w.Header().Set("Cache-Control", "no-store") // each copy has a code of its own
	return p.print.Render(w, r, http.StatusOK, web.Page[printPage]{Title: s.Title,
		Shell: web.Public("services").WithBack(loc.T("intake.backToService"), path("services", r.PathValue("id"))), Data: page})
}

func (p *Pages) printPDF(w http.ResponseWriter, r *http.Request) error {
	s, _, err := p.blank(r)
	if err != nil {
		return err
	}
	b, err := p.c.Renderer.Sheet(s)
	if err != nil {
		return fault.Wrap("intakeweb.printPDF", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": s.Title + ".pdf"}))
	if r.Method == http.MethodHead {
		return nil
	}
	_, err = w.Write(b)
	return fault.Wrap("intakeweb.printPDF", err)
}

// qrSVG draws a code: one path, a square for each dark module, and the quiet zone that scanners need.
func qrSVG(content string) (template.HTML, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	n := code.Bounds().Dx()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="m-paper__qr" viewBox="-4 -4 %d %d" aria-hidden="true"><path fill="#fff" d="M-4-4h%dv%dh-%dz"/><path d="`, n+8, n+8, n+8, n+8, n+8)
	for y := range n {
		for x := range n {
			if v, _, _, _ := code.At(x, y).RGBA(); v < 0x8000 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil
}

// scanPage is where a clerk scans or types the code of a paper.
type scanPage struct {
	Errors ui.ErrorSummary
	Form   ui.Form
	Open   ui.Table
}

func clerk(r *http.Request) (access.Actor, error) {
	a, err := identity.Require(r, access.Basic)
	if err == nil && a.Kind != access.Clerk {
		err = fault.New(fault.Denied, "intakeweb.clerk", "casefileweb.clerksOnly")
	}
	return a, err
}

func (p *Pages) showScan(w http.ResponseWriter, r *http.Request) error {
	return p.renderScan(w, r, "", "")
}

func (p *Pages) renderScan(w http.ResponseWriter, r *http.Request, typed, problem string) error {
	a, err := clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	open, err := p.c.Intake.Papers(r.Context(), a)
	if err != nil {
		return err
	}
	in := ui.Input{Field: ui.Field{Name: "code", Label: loc.T("intake.paper.code"), Hint: loc.T("intake.paper.codeHint"), Error: problem}, Value: typed, MaxLength: 60, NoSpelling: true}
	page := scanPage{Form: ui.Form{Action: "/desk/paper", Items: []ui.Component{in}, Buttons: []ui.Button{{Text: loc.T("intake.paper.open"), Icon: "arrow-forward"}}}}
	page.Open = ui.Table{Caption: loc.T("intake.paper.begun"), Columns: []ui.Column{{Label: loc.T("intake.paper.service")}, {Label: loc.T("intake.paper.by")}, {Label: loc.T("intake.paper.changed")}}}
	for _, x := range open {
		title := x.Service
		if s, err := p.c.Intake.Service(intake.Draft{Service: x.Service}); err == nil {
			title = s.Title.For(loc.Lang())
		}
		page.Open.Rows = append(page.Open.Rows, ui.Row{Cells: []ui.Cell{{Text: title, Sub: intake.ShowCode(x.Code), Href: path("desk", "paper", x.ID)}, {Text: x.ClerkName}, {Text: p.c.Moment(loc, x.ChangedAt)}}})
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
		page.Errors.Items = []ui.FieldError{{Field: "code", Text: problem}}
	}
	return p.scan.Render(w, r, status, web.Page[scanPage]{Title: loc.T("intake.paper.title"), Shell: web.Desk("paper").WithErrors(problem != ""), Data: page})
}

func (p *Pages) takeScan(w http.ResponseWriter, r *http.Request) error {
	a, err := clerk(r)
	if err != nil {
		return err
	}
	in, err := posted(r)
	if err != nil {
		return err
	}
	id, err := p.c.Intake.OpenPaper(r.Context(), a, in.Get("code"))
	if msg, args := fault.Message(err); err != nil && strings.HasPrefix(msg, "intake.paper.") {
		typed := in.Get("code")
		if len(typed) > 60 {
			typed = ""
		}
		return p.renderScan(w, r, typed, web.Localizer(r).T(msg, args...))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, path("desk", "paper", id))
	return nil
}

// paperPage is a paper that a clerk types in, all on one page, or the receipt of one that is handed over.
type paperPage struct {
	Service  string
	About    ui.SummaryList
	Errors   ui.ErrorSummary
	More     bool
	Action   string
	Blocks   []block
	Posted   []ui.Hidden
	Submit   ui.Button
	Save     ui.Button
	Discard  ui.Button
	Done     *ui.Alert
	Facts    ui.SummaryList
	Next     ui.Buttons
	Saved    bool
	SaveText string
}

func (p *Pages) showPaper(w http.ResponseWriter, r *http.Request) error {
	return p.renderPaper(w, r, nil, http.StatusOK)
}

func (p *Pages) renderPaper(w http.ResponseWriter, r *http.Request, errs []form.FieldError, status int) error {
	a, err := clerk(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	x, s, err := p.c.Intake.Paper(ctx, a, r.PathValue("id"))
	if err != nil {
		return err
	}
	page := paperPage{Service: s.Title.For(loc.Lang()), Action: path("desk", "paper", x.ID), Saved: r.URL.Query().Has("saved"), More: r.URL.Query().Has("more")}
	page.About.Rows = []ui.SummaryRow{{Key: loc.T("intake.paper.code"), Value: intake.ShowCode(x.Code)}, {Key: loc.T("intake.paper.lang"), Value: loc.T("web.language." + x.Lang)}}
	if now, err := p.c.Intake.Service(intake.Draft{Service: x.Service}); err == nil && now.Version != s.Version {
		page.About.Rows = append(page.About.Rows, ui.SummaryRow{Key: loc.T("intake.paper.version"), Value: loc.T("intake.paper.older")})
	}
	shell := web.Desk("paper").WithBack(loc.T("intake.paper.title"), "/desk/paper").WithErrors(len(errs) > 0)
	if x.CaseID != "" {
		rc, err := p.c.Intake.PaperReceipt(ctx, x)
		if err != nil {
			return err
		}
		page.Done = &ui.Alert{Tone: ui.Success, Title: loc.T("intake.paper.done"), Text: loc.T("intake.paper.doneText")}
		page.Facts.Rows = []ui.SummaryRow{{Key: loc.T("casefileweb.ref"), Value: rc.Number}, {Key: loc.T("casefileweb.opened"), Value: p.c.Moment(loc, rc.At)},
			{Key: loc.T("casefileweb.office"), Value: p.c.Office(rc.Office).For(loc.Lang())}, {Key: loc.T("casefileweb.hash"), Value: rc.Hash}}
		if rc.Office == a.Office {
			page.Next.Items = []ui.Button{{Text: loc.T("casefileweb.toCase"), Href: path("desk", "cases", rc.CaseID)},
				{Text: loc.T("casefileweb.receiptPDF"), Kind: "tertiary", Icon: "download", Href: path("desk", "cases", rc.CaseID, "receipt.pdf")}}
		}
		return p.paper.Render(w, r, status, web.Page[paperPage]{Title: loc.T("casefileweb.receipt"), Shell: shell, Data: page})
	}
	view, err := p.c.Intake.FillPaper(ctx, x, s)
	if err != nil {
		return err
	}
	b := builder{form: s.Form, loc: loc, errs: errorTexts(s.Form, errs, loc), source: func(s string) string { return s }}
	if !intake.AsksWho(s.Form) {
		who := block{Legend: loc.T("sheet.who")}
		for _, name := range []string{"given_names", "family_name", "birth_date"} {
			key := intake.WhoField(name)
			who.Blocks = append(who.Blocks, block{Item: ui.Input{Field: ui.Field{Name: key, Label: loc.T("sheet." + name), Error: b.errs[key]}, Value: x.Typed.Who.Get(name), MaxLength: 200, NoSpelling: true}})
		}
		page.Blocks = append(page.Blocks, who)
	}
	for _, pg := range s.Form.Pages() {
		if items := view.Page(pg.ID); len(items) > 0 {
			page.Blocks = append(page.Blocks, block{Legend: pg.Title.For(loc.Lang()), Blocks: b.blocks(items)})
		}
	}
	page.Posted, page.Errors = b.posted, summary(b, errs)
	page.Submit = ui.Button{Text: loc.T("intake.paper.submit"), Name: goField, Value: "submit"}
	page.Save = ui.Button{Text: loc.T("intake.paper.save"), Kind: "secondary", Name: goField, Value: "save"}
	page.Discard = ui.Button{Text: loc.T("intake.paper.discard"), Kind: "tertiary", Danger: true, Name: goField, Value: "discard"}
	return p.paper.Render(w, r, status, web.Page[paperPage]{Title: loc.T("intake.paper.fill"), Shell: shell, Data: page})
}

func (p *Pages) takePaper(w http.ResponseWriter, r *http.Request) error {
	a, err := clerk(r)
	if err != nil {
		return err
	}
	in, err := posted(r)
	if err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	here := path("desk", "paper", id)
	if in.Get(goField) == "discard" {
		if err := p.c.Intake.DiscardPaper(ctx, a, id); err != nil {
			return err
		}
		web.SeeOther(w, "/desk/paper")
		return nil
	}
	errs, err := p.c.Intake.SavePaper(ctx, a, id, in)
	if err != nil {
		return err
	}
	switch {
	case (in.Get(form.AddRow) != "" || in.Get(form.RemoveRow) != "") && !full(errs):
		x, s, err := p.c.Intake.Paper(ctx, a, id)
		if err != nil {
			return err
		}
		view, err := p.c.Intake.FillPaper(ctx, x, s)
		if err != nil {
			return err
		}
		web.SeeOther(w, here+rowAnchor(pageIDs(s.Form), in, view))
		return nil
	case in.Get(goField) == "submit": // which says all that is wrong, with whose it is
	case len(errs) > 0:
		return p.renderPaper(w, r, errs, http.StatusUnprocessableEntity)
	default:
		web.SeeOther(w, here+"?saved=1")
		return nil
	}
	if _, errs, err = p.c.Intake.SubmitPaper(ctx, a, id); err != nil {
		return err
	}
	asked := in[form.PostedField]
	if len(errs) > 0 && !slices.ContainsFunc(errs, func(e form.FieldError) bool { return slices.Contains(asked, e.Key) || strings.HasPrefix(e.Key, "who.") }) {
		web.SeeOther(w, here+"?more=1") // an answer has brought up a question: that isn't an error yet
		return nil
	}
	if len(errs) > 0 {
		return p.renderPaper(w, r, errs, http.StatusUnprocessableEntity)
	}
	web.SeeOther(w, here)
	return nil
}
