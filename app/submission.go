// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/pdf"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/intake"
	"mercator/domain/intake/sheet"
	"mercator/domain/postbox"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
)

// SubmissionType is what a signed submission says that it is.
const SubmissionType = "mercator-submission+json"

// SignedSubmission is what the house signs of a submission. Whoever has the file and the public key of the house can tell
// what was handed over, when, and that it is unchanged since; the data and the PDF are bound by their hashes.
type SignedSubmission struct {
	Format     string          `json:"format"` // mercator-submission/1
	Issuer     string          `json:"issuer"` // the address of the house
	Number     string          `json:"number"`
	Case       string          `json:"case"`
	Revision   int             `json:"revision"` // 1: the application; more: after a correction
	ReceivedAt time.Time       `json:"receivedAt"`
	Service    SignedService   `json:"service"`
	Office     string          `json:"office"`
	Applicant  string          `json:"applicant"`
	Channel    string          `json:"channel"`
	Lang       string          `json:"lang"`
	Data       json.RawMessage `json:"data"`
	DataHash   string          `json:"dataSha256"`
	SchemaHash string          `json:"schemaSha256"` // of the JSON Schema of the form, as mercator form schema prints it
	PaperHash  string          `json:"paperSha256,omitempty"`
	// Signatures are those of others that the application needed. Their hash is that of the data they signed.
	Signatures []SignedBy `json:"signatures,omitempty"`
}

// SignedBy is somebody else's signature under an application.
type SignedBy struct {
	Part     string    `json:"part"` // which one the service asked for
	Title    string    `json:"title"`
	Declares string    `json:"declares"`
	Name     string    `json:"name"`
	At       time.Time `json:"at"`
	DataHash string    `json:"dataSha256"`
}

// SignedService is which version of which service it was.
type SignedService struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Title   string `json:"title"`
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// keepSubmission puts what was submitted into the file of its case: the data, a PDF/A as it was asked and answered, and
// both signed. It runs in the transaction that takes the application: there is no case without it. A PDF that is too long to
// be made is left out, and the receipt says so: nobody's application fails because of its paper.
func (h *House) keepSubmission(ctx context.Context, tx *store.Tx, c casefile.Case, s *service.Service, v *form.View, application json.RawMessage, at time.Time, signatures ...intake.Signature) (casefile.Submission, error) {
	const op = "app.keepSubmission"
	n, err := h.cases.NextRevision(ctx, tx, c.ID)
	if err != nil {
		return casefile.Submission{}, err
	}
	out := casefile.Submission{CaseID: c.ID, Revision: n, At: at, Version: s.Version, Lang: v.Lang()}
	content := map[casefile.SubmissionPart][]byte{casefile.Data: application}
	signed := SignedSubmission{Format: "mercator-submission/1", Issuer: h.config.Server.PublicURL, Number: c.Ref, Case: c.ID, Revision: n,
		ReceivedAt: at.In(h.zone), Service: SignedService{s.ID, s.Version, s.Title.For("de")}, Office: c.Office, Applicant: c.PersonName, Channel: c.Channel,
		Lang: out.Lang, Data: application, DataHash: hashOf(application)}
	for _, x := range signatures {
		signed.Signatures = append(signed.Signatures, SignedBy{Part: x.Part, Title: x.Title.For("de"), Declares: x.Declares.For(out.Lang), Name: x.Name, At: x.At.In(h.zone), DataHash: x.Hash})
	}
	schema, err := s.Form.Schema()
	if err != nil {
		return out, fault.Wrap(op, err)
	}
	signed.SchemaHash = hashOf(schema)
	paper, err := h.paperOf(c, s, v, out, signatures)
	if err != nil {
		h.log.Error("a submission is kept without its PDF", "case", c.ID, "err", err)
	} else {
		content[casefile.Paper], signed.PaperHash = paper, hashOf(paper)
	}
	payload, err := json.Marshal(signed)
	if err != nil {
		return out, fault.Wrap(op, err)
	}
	if content[casefile.Signed], err = h.signer.Sign(SubmissionType, payload); err != nil {
		return out, err
	}
	for _, p := range casefile.SubmissionParts {
		if b := content[p]; b != nil {
			out.Files = append(out.Files, casefile.NewSubmissionFile(p, b))
		}
	}
	return out, h.cases.KeepSubmission(ctx, tx, out, content)
}

// paperOf is a submission as a PDF/A, in the language in which it was filled in.
func (h *House) paperOf(c casefile.Case, s *service.Service, v *form.View, sub casefile.Submission, signatures []intake.Signature) ([]byte, error) {
	const op = "app.paperOf"
	loc := h.words.Match(sub.Lang)
	doc, err := h.sheetOf(c, s, v, loc, sub.At)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if sub.Revision > 1 {
		doc.Facts = append(doc.Facts, pdf.Pair{Label: loc.T("casefileweb.revision"), Value: loc.Number(int64(sub.Revision))})
	}
	if len(signatures) > 0 {
		part := pdf.SheetPart{Title: loc.T("intake.cosign.sheet")}
		for _, x := range signatures {
			part.Items = append(part.Items, pdf.SheetItem{Label: x.Title.For(loc.Lang()), Help: x.Declares.For(loc.Lang()), Value: h.signedText(loc, x)})
		}
		doc.Parts = append(doc.Parts, part)
	}
	b, err := h.renderer.Sheet(doc)
	return b, fault.Wrap(op, err)
}

// sheetOf is an application as questions and answers, with the facts of its case. received is when it came.
func (h *House) sheetOf(c casefile.Case, s *service.Service, v *form.View, loc *i18n.Localizer, received time.Time) (pdf.Sheet, error) {
	var registers map[string]any
	if err := unmarshal(c.Registers, &registers); err != nil {
		return pdf.Sheet{}, err
	}
	fact := func(key, value string) pdf.Pair { return pdf.Pair{Label: loc.T("casefileweb." + key), Value: value} }
	return pdf.Sheet{Lang: documentLang(loc), Title: s.Title.For(loc.Lang()), Created: received, PageOf: loc.T("sheet.pageOf", "page", "{page}", "pages", "{pages}"),
		Sender: pdf.Sender{Name: h.city.Info.Name, Office: h.officeName(c.Office).For(loc.Lang())},
		Ticked: loc.T("sheet.ticked"), Unticked: loc.T("sheet.unticked"),
		Facts: []pdf.Pair{fact("ref", c.Ref), fact("opened", h.moment(loc, received)), fact("applicant", cmp.Or(c.PersonName, "–")),
			fact("channel", loc.T("casefileweb.channels."+c.Channel)), fact("formVersion", s.Version)},
		Parts: sheet.Answered(v, loc, sheet.FromRegisters(registers, func(as string) string {
			for _, use := range s.Data {
				if use.As == as {
					return h.registerInfo(use.Register, loc.Lang()).Title
				}
			}
			if s.About != "" && as == "about" {
				return loc.T("intake.fromMyData")
			}
			return as
		})),
	}, nil
}

// signedText says who has signed, when, and what.
func (h *House) signedText(loc *i18n.Localizer, x intake.Signature) string {
	return loc.T("intake.cosign.entry", "name", x.Name, "at", h.moment(loc, x.At), "hash", x.Hash)
}

// documentLang is the language tag of a document: plain language is a variety.
func documentLang(loc *i18n.Localizer) string {
	if loc.Lang() == "de-simple" {
		return "de"
	}
	return loc.Lang()
}

// moment is an instant on the city's clock, with its zone: on a receipt it says until when something was in time.
func (h *House) moment(loc *i18n.Localizer, t time.Time) string {
	t = t.In(h.zone)
	return loc.Date(t) + t.Format(", 15:04:05 MST (UTC-07:00)")
}

var textReceived = i18n.Text{"de": "Ihr Antrag ist eingegangen", "en": "Your application has been received", "tr": "Başvurunuz alındı", "de-simple": "Ihr Antrag ist da"}

// receipt tells the person in the postbox that the application is there.
func (h *House) receipt(ctx context.Context, tx *store.Tx, c casefile.Case, s *service.Service, sub casefile.Submission) error {
	if c.Person == "" {
		return nil
	}
	body := i18n.Text{}
	for _, lang := range h.words.Languages() {
		loc := h.words.Localizer(lang)
		body[lang] = loc.T("app.received", "service", s.Title.For(lang), "number", c.Ref, "at", h.moment(loc, sub.At), "hash", sub.Hash())
	}
	_, err := h.postbox.Deliver(ctx, tx, postbox.Message{Person: c.Person, CaseID: c.ID, Office: c.Office, Subject: textReceived, Body: body, Link: "/cases/" + c.ID + "/receipt"})
	return err
}

// received is the receipt of a case for who has handed it over.
func (h *House) received(ctx context.Context, q store.Q, caseID string) (intake.Receipt, error) {
	c, sub, err := h.cases.Received(ctx, q, caseID)
	return intake.Receipt{CaseID: c.ID, Number: c.Ref, Office: c.Office, At: sub.At, Hash: sub.Hash()}, err
}

// keyMounts publish the public key of the house.
func (h *House) keyMounts() web.Mounts {
	return web.Mounts{{Pattern: "GET /.well-known/jwks.json", Class: web.ClassAPI, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Write(h.signer.Keys())
	})}}
}
