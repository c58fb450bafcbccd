// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/pdf"
	"mercator/domain/casefile"
	"mercator/web"
	"mercator/web/ui"
)

// receiptPage says that an application is there: its number, the time, and the hash by which it can be told again.
type receiptPage struct {
	News    ui.Alert
	Service string
	Facts   ui.SummaryList
	NoPaper bool
	Next    ui.Buttons
	Files   []ui.Component
}

// ownCase reads a case as the person whose it is, or who acts for them.
func (p *pages) ownCase(r *http.Request) (access.Grant, casefile.Case, error) {
	a, err := p.person(r)
	if err != nil {
		return access.Grant{}, casefile.Case{}, err
	}
	id, err := pathID(r)
	if err != nil {
		return access.Grant{}, casefile.Case{}, err
	}
	g, err := p.Access.Permit(r.Context(), access.Request{Actor: a, Action: access.Read, Resource: "case", Purpose: purposeOwn, Case: id, Owner: a.Person()})
	if err != nil {
		return g, casefile.Case{}, err
	}
	c, err := p.Cases.Get(r.Context(), g, id)
	return g, c, err
}

// officeCase reads a case as a clerk of its office.
func (p *pages) officeCase(r *http.Request) (access.Grant, casefile.Case, error) {
	a, err := p.clerk(r)
	if err != nil {
		return access.Grant{}, casefile.Case{}, err
	}
	id, err := pathID(r)
	if err != nil {
		return access.Grant{}, casefile.Case{}, err
	}
	return p.readCase(r.Context(), a, id)
}

// receiptFacts are what a receipt says.
func (p *pages) receiptFacts(ctx context.Context, loc *i18n.Localizer, c casefile.Case, s casefile.Submission) (title string, facts []pdf.Pair, err error) {
	svc, err := p.serviceOf(ctx, c.Service, c.Version)
	if err != nil {
		return "", nil, err
	}
	title = svc.Title.For(loc.Lang())
	facts = []pdf.Pair{
		{Label: loc.T("casefileweb.ref"), Value: c.Ref}, {Label: loc.T("casefileweb.opened"), Value: p.Moment(loc, s.At)},
		{Label: loc.T("casefileweb.service"), Value: title}, {Label: loc.T("casefileweb.office"), Value: p.Office(c.Office).For(loc.Lang())},
		{Label: loc.T("casefileweb.applicant"), Value: applicant(loc, c)},
	}
	if hash := s.Hash(); hash != "" {
		facts = append(facts, pdf.Pair{Label: loc.T("casefileweb.hash"), Value: hash})
	}
	return title, facts, nil
}

// submissionOf is the submission that a request is for; without a number the first.
func (p *pages) submissionOf(r *http.Request, g access.Grant, c casefile.Case) (casefile.Submission, error) {
	list, err := p.Cases.Submissions(r.Context(), g, c)
	if err != nil {
		return casefile.Submission{}, err
	}
	want := r.URL.Query().Get("n")
	for _, s := range list {
		if want == "" || want == strconv.Itoa(s.Revision) {
			return s, nil
		}
	}
	if want == "" {
		return casefile.Submission{CaseID: c.ID, At: c.OpenedAt}, nil // from before submissions were kept
	}
	return casefile.Submission{}, fault.New(fault.NotFound, "casefileweb.submission", "")
}

func (p *pages) showReceipt(w http.ResponseWriter, r *http.Request) error {
	g, c, err := p.ownCase(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	s, err := p.submissionOf(r, g, c)
	if err != nil {
		return err
	}
	title, facts, err := p.receiptFacts(ctx, loc, c, s)
	if err != nil {
		return err
	}
	page := receiptPage{Service: title, News: ui.Alert{Tone: ui.Success, Title: loc.T("casefileweb.received"), Text: loc.T("casefileweb.receivedText")}}
	for _, f := range facts {
		page.Facts.Rows = append(page.Facts.Rows, ui.SummaryRow{Key: f.Label, Value: f.Value})
	}
	if _, ok := s.File(casefile.Paper); !ok && len(s.Files) > 0 {
		page.NoPaper = true
	}
	if p.Payment != nil {
		pay, ok, err := p.Payment(ctx, g, c.ID)
		if err != nil {
			return err
		}
		if ok {
			page.News.Text = loc.T("casefileweb.payOpen", "amount", loc.Money(pay.Cents)) + " – " + loc.T("casefileweb.payText")
			page.Next.Items = append(page.Next.Items, ui.Button{Text: loc.T("casefileweb.payNow"), Href: pay.Href, Icon: "arrow-forward"})
		}
	}
	kind := ""
	if len(page.Next.Items) > 0 {
		kind = "secondary"
	}
	page.Next.Items = append(page.Next.Items, ui.Button{Text: loc.T("casefileweb.toCase"), Href: "/cases/" + c.ID, Kind: kind},
		ui.Button{Text: loc.T("casefileweb.receiptPDF"), Href: "/cases/" + c.ID + "/receipt.pdf" + revisionQuery(s), Kind: "tertiary", Icon: "download"})
	if len(s.Files) > 0 {
		page.Files = showSubmissions(loc, p.Moment, []casefile.Submission{s}, "/cases/"+c.ID)
	}
	return p.receipt.Render(w, r, http.StatusOK, web.Page[receiptPage]{Title: loc.T("casefileweb.receipt"),
		Shell: web.Portal("cases").WithBack(loc.T("casefileweb.cases"), "/cases"), Data: page})
}

func revisionQuery(s casefile.Submission) string {
	if s.Revision > 1 {
		return "?n=" + strconv.Itoa(s.Revision)
	}
	return ""
}

// receiptPDF is the receipt on paper: the same bytes each time.
func (p *pages) receiptPDF(w http.ResponseWriter, r *http.Request, g access.Grant, c casefile.Case) error {
	loc := web.Localizer(r)
	s, err := p.submissionOf(r, g, c)
	if err != nil {
		return err
	}
	b, err := p.receiptPaper(r.Context(), loc, c, s)
	if err != nil {
		return err
	}
	return sendSubmission(w, r, "application/pdf", loc.T("casefileweb.receipt")+" "+c.Ref+".pdf", b)
}

// showSubmissions lists what is kept of what was handed over, with the hashes.
func showSubmissions(loc *i18n.Localizer, moment func(*i18n.Localizer, time.Time) string, list []casefile.Submission, path string) []ui.Component {
	var out []ui.Component
	for _, s := range list {
		title := loc.T("casefileweb.submission", "at", moment(loc, s.At))
		if s.Revision > 1 {
			title = loc.T("casefileweb.submissionCorrected", "at", moment(loc, s.At))
		}
		out = append(out, ui.Heading{Text: title, Level: 3})
		t := ui.Table{Caption: title, CaptionHidden: true, Columns: []ui.Column{{Label: loc.T("casefileweb.file")}, {Label: loc.T("casefileweb.hash")}}}
		for _, part := range casefile.SubmissionParts {
			f, ok := s.File(part)
			if !ok {
				continue
			}
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
				{Text: loc.T("casefileweb.part." + string(part)), Sub: loc.Bytes(f.Size), Href: fmt.Sprintf("%s/submissions/%d/%s", path, s.Revision, partNames[part])},
				{Text: f.Hash}}})
		}
		out = append(out, t)
	}
	return out
}

// partNames are the files of a submission as they are called in an address and on a disk.
var partNames = map[casefile.SubmissionPart]string{casefile.Data: "application.json", casefile.Paper: "application.pdf", casefile.Signed: "application.jws.json"}

var partTypes = map[casefile.SubmissionPart]string{casefile.Data: "application/json", casefile.Paper: "application/pdf", casefile.Signed: "application/jose+json"}

// submission sends a file of what was submitted, or the receipt.
func (p *pages) submission(read func(*http.Request) (access.Grant, casefile.Case, error)) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		const op = "casefileweb.submission"
		g, c, err := read(r)
		if err != nil {
			return err
		}
		if r.PathValue("file") == "" {
			return p.receiptPDF(w, r, g, c)
		}
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil || n < 1 || n > 1_000_000 {
			return fault.New(fault.NotFound, op, "")
		}
		for part, name := range partNames {
			if name == r.PathValue("file") {
				b, err := p.Cases.OpenSubmission(r.Context(), g, c, n, part)
				if err != nil {
					return err
				}
				return sendSubmission(w, r, partTypes[part], c.Ref+"-"+name, b)
			}
		}
		return fault.New(fault.NotFound, op, "")
	}
}

func sendSubmission(w http.ResponseWriter, r *http.Request, typ, name string, b []byte) error {
	h := w.Header()
	h.Set("Content-Type", typ)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(b)
	return fault.Wrap("casefileweb.send", err)
}

// receiptPaper sets a receipt on paper.
func (p *pages) receiptPaper(ctx context.Context, loc *i18n.Localizer, c casefile.Case, s casefile.Submission) ([]byte, error) {
	_, facts, err := p.receiptFacts(ctx, loc, c, s)
	if err != nil {
		return nil, err
	}
	for _, part := range casefile.SubmissionParts {
		if f, ok := s.File(part); ok && part != casefile.Signed {
			facts = append(facts, pdf.Pair{Label: loc.T("casefileweb.hashOf", "file", loc.T("casefileweb.part."+string(part))), Value: f.Hash})
		}
	}
	lang := loc.Lang()
	if lang == "de-simple" {
		lang = "de"
	}
	note := loc.T("casefileweb.receiptNote")
	if _, ok := s.File(casefile.Paper); !ok && len(s.Files) > 0 {
		note += "\n" + loc.T("casefileweb.noPaper")
	}
	b, err := p.Renderer.Sheet(pdf.Sheet{Lang: lang, Title: loc.T("casefileweb.receipt"), Created: s.At, Sender: pdf.Sender{Name: p.City, Office: p.Office(c.Office).For(loc.Lang())},
		Facts: facts, Note: note, PageOf: loc.T("sheet.pageOf", "page", "{page}", "pages", "{pages}")})
	return b, fault.Wrap("casefileweb.receiptPDF", err)
}
