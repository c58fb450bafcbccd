// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/domain/intake"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"
)

// Files come with the page (multipart/form-data), or, with a script, in parts as they are chosen: the protocol tus 1.0.0 with its
// extensions creation, checksum, expiration and termination (https://tus.io/protocols/resumable-upload). It is a page of ours because each
// part is asked for by who is signed in and goes into a draft of theirs; what there is as a library has stores and
// rights of its own, and no checksums.
const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,checksum,expiration,termination"
	tusSums       = "sha1,sha256" // sha1 is the one that everybody has to know; it tells of a broken line, not of an attacker
	tusPart       = "application/offset+octet-stream"
	tusMismatch   = 460
)

// rowsQuery says to a file's address which rows the page shows that sends it, as intake.RowsField does in a form.
const rowsQuery = "rows"

// patience is how long files may take to come over a slow line.
const patience = 5 * time.Minute

// patient gives a request as long as that, beyond what the server grants others.
func patient(h web.HandlerFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct == "multipart/form-data" || ct == tusPart {
			c := http.NewResponseController(w)
			// What can't be set (a test's recorder) stays as it is.
			_ = c.SetReadDeadline(time.Now().Add(patience))
			_ = c.SetWriteDeadline(time.Now().Add(patience + time.Minute))
		}
		return h(w, r)
	}
}

func (p *Pages) uploads() web.Mounts {
	const one = "/apply/{draft}/uploads/{upload}"
	return web.Mounts{
		{Pattern: "OPTIONS /apply/{draft}/uploads", Handler: web.Handle(p.tusOptions)},
		{Pattern: "OPTIONS " + one, Handler: web.Handle(p.tusOptions)},
		{Pattern: "POST /apply/{draft}/uploads", Handler: web.Handle(p.tus(p.tusCreate))},
		{Pattern: "HEAD " + one, Handler: web.Handle(p.tus(p.tusHead)), Timeout: patience},
		{Pattern: "PATCH " + one, Handler: web.Handle(patient(p.tus(p.tusPatch))), MaxBody: upload, Timeout: patience},
		{Pattern: "DELETE " + one, Handler: web.Handle(p.tus(p.tusDelete))},
	}
}

func (p *Pages) tusOptions(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Tus-Version", tusVersion)
	h.Set("Tus-Extension", tusExtensions)
	h.Set("Tus-Checksum-Algorithm", tusSums)
	h.Set("Tus-Max-Size", strconv.FormatInt(intake.MaxFile, 10))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// tus finds the draft, and speaks one version of the protocol.
func (p *Pages) tus(do func(w http.ResponseWriter, r *http.Request, v visit) error) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Tus-Resumable", tusVersion)
		h.Set("Cache-Control", "no-store")
		if r.Header.Get("Tus-Resumable") != tusVersion {
			h.Set("Tus-Version", tusVersion)
			w.WriteHeader(http.StatusPreconditionFailed)
			return nil
		}
		v, err := p.enter(r)
		if err == nil && v.moved != "" {
			err = fault.New(fault.Conflict, "intakeweb.tus", "intake.submitted")
		}
		if err != nil {
			return err
		}
		return do(w, r, v)
	}
}

// metadata reads Upload-Metadata: names, each with a value in Base64.
func metadata(s string) map[string]string {
	out := map[string]string{}
	if len(s) > 4096 {
		return out
	}
	for pair := range strings.SplitSeq(s, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(pair), " ")
		if b, err := base64.StdEncoding.DecodeString(v); err == nil {
			out[k] = string(b)
		}
	}
	return out
}

func (p *Pages) tusCreate(w http.ResponseWriter, r *http.Request, v visit) error {
	const op = "intakeweb.tusCreate"
	size, err := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	if err != nil || size < 0 {
		return fault.Because(fault.Invalid, op, "web.malformed", err)
	}
	m := metadata(r.Header.Get("Upload-Metadata"))
	u, err := p.c.Intake.BeginUpload(r.Context(), v.actor, v.draft.ID, intake.NewUpload{Field: m["field"], Name: m["filename"], Size: size, Sum: m["sha256"], Rows: r.URL.Query().Get(rowsQuery)})
	if err != nil {
		return err
	}
	w.Header().Set("Location", path("apply", v.draft.ID, "uploads", u.ID))
	expires(w, u)
	w.WriteHeader(http.StatusCreated)
	return nil
}

func expires(w http.ResponseWriter, u intake.Upload) {
	if !u.Whole() {
		w.Header().Set("Upload-Expires", u.ExpiresAt.UTC().Format(http.TimeFormat))
	}
}

func (p *Pages) tusHead(w http.ResponseWriter, r *http.Request, v visit) error {
	u, err := p.c.Intake.ReadUpload(r.Context(), v.actor, v.draft.ID, r.PathValue("upload"))
	if err != nil {
		return err
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(u.Received, 10))
	w.Header().Set("Upload-Length", strconv.FormatInt(u.Size, 10))
	expires(w, u)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (p *Pages) tusPatch(w http.ResponseWriter, r *http.Request, v visit) error {
	const op = "intakeweb.tusPatch"
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ct != tusPart {
		return fault.New(fault.Unsupported, op, "")
	}
	at, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || at < 0 {
		return fault.Because(fault.Invalid, op, "web.malformed", err)
	}
	var body io.Reader = r.Body
	var check func() error
	mismatch := false
	if s := r.Header.Get("Upload-Checksum"); s != "" {
		name, sum, _ := strings.Cut(s, " ")
		want, err := base64.StdEncoding.DecodeString(sum)
		h := summer(name)
		if err != nil || h == nil {
			return fault.Because(fault.Invalid, op, "web.malformed", err)
		}
		body = io.TeeReader(r.Body, h)
		check = func() error {
			if mismatch = subtle.ConstantTimeCompare(h.Sum(nil), want) != 1; mismatch {
				return fault.New(fault.Invalid, op, "intake.file.broken")
			}
			return nil
		}
	}
	u, err := p.c.Intake.Receive(r.Context(), v.actor, v.draft.ID, r.PathValue("upload"), at, body, check)
	if mismatch {
		w.WriteHeader(tusMismatch)
		return nil
	}
	if err != nil {
		return err
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(u.Received, 10))
	expires(w, u)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func summer(name string) hash.Hash {
	switch name {
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

func (p *Pages) tusDelete(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := p.c.Intake.DropUpload(r.Context(), v.actor, v.draft.ID, r.PathValue("upload")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// removeFile takes out a file, by its hash, or what has come of one, by the id of its upload.
func (p *Pages) removeFile(r *http.Request, v visit, field, which string) error {
	if !ident.Valid(which) {
		return p.c.Intake.RemoveFile(r.Context(), v.actor, v.draft.ID, field, which)
	}
	err := p.c.Intake.DropUpload(r.Context(), v.actor, v.draft.ID, which)
	if fault.Is(err, fault.NotFound) { // pressed twice
		return nil
	}
	return err
}

// fileInput asks for files and shows those that are there.
func (b *builder) fileInput(f ui.Field, it *form.Item) ui.FileInput {
	loc := b.loc
	in := ui.FileInput{Field: f, Accept: intake.Accept(it.Accept), Multiple: it.Multiple}
	if b.draft != "" && !f.ReadOnly {
		in.Upload, in.Camera = path("apply", b.draft, "uploads"), loc.T("intake.upload.camera")
		if _, inRow := it.Place().Around(); inRow {
			in.Upload += "?" + rowsQuery + "=" + b.rows
		}
		in.Texts = ui.UploadTexts{Sending: loc.T("intake.upload.sending", "percent", "{percent}"), Looking: loc.T("intake.upload.looking"), Retry: loc.T("intake.upload.retry"),
			Done: loc.T("intake.upload.done"), Stopped: loc.T("intake.upload.stopped")}
		if !slices.ContainsFunc(strings.Split(in.Accept, ","), func(a string) bool {
			a = strings.TrimSpace(a)
			return strings.HasPrefix(a, "image/") || a == ".jpg" || a == ".jpeg"
		}) {
			in.Camera = ""
		}
	}
	for _, file := range intake.Files(it.Value) {
		href := path("apply", b.draft, "file", it.Name, file.Hash)
		x := ui.UploadedFile{Name: file.Name, Size: loc.Bytes(file.Size), Value: file.Hash, Href: href}
		switch {
		case file.Pages == 1:
			x.Note = loc.T("intake.upload.page")
		case file.Pages > 1:
			x.Note = loc.T("intake.upload.pages", "n", file.Pages)
		}
		for _, u := range b.kept {
			if u.ID != file.ID {
				continue
			}
			if u.Picture && u.Found == "" {
				x.Preview = href + "/preview"
			}
			switch u.State() {
			case intake.Waiting:
				x.State = ui.Badge{Tone: ui.Info, Text: loc.T("intake.upload.waiting")}
			case intake.Infected:
				x.State, x.Href = ui.Badge{Tone: ui.Danger, Text: loc.T("intake.upload.infected")}, ""
			}
		}
		in.Files = append(in.Files, x)
	}
	for _, u := range b.kept { // what broke off
		if u.Field == it.Name && !u.Whole() {
			in.Files = append(in.Files, ui.UploadedFile{Name: u.Name, Size: loc.Bytes(u.Size), Value: u.ID, Sum: u.Sum(), Bytes: u.Size,
				Resume: path("apply", b.draft, "uploads", u.ID), Note: loc.T("intake.upload.partly", "percent", u.Received*100/u.Size)})
		}
	}
	return in
}

// file shows a file of the draft to the one who uploaded it.
func (p *Pages) file(w http.ResponseWriter, r *http.Request) error {
	return p.sendFile(w, r, intake.Original)
}

// preview shows a small picture of it, which the house has made.
func (p *Pages) preview(w http.ResponseWriter, r *http.Request) error {
	return p.sendFile(w, r, intake.Preview)
}

func (p *Pages) sendFile(w http.ResponseWriter, r *http.Request, ending string) error {
	v, err := p.enter(r)
	if err != nil {
		return err
	}
	u, body, err := p.c.Intake.OpenFile(r.Context(), v.actor, v.draft.ID, r.PathValue("field"), r.PathValue("hash"), ending)
	if err != nil {
		return err
	}
	defer body.Close()
	return ServeFile(w, r, u, ending, body)
}

// ServeFile sends an uploaded file, or what was made of it, so that a browser can't take it for anything but what its
// content was found to be, and never runs anything of it in the house's name.
func ServeFile(w http.ResponseWriter, r *http.Request, u intake.Upload, ending string, body io.Reader) error {
	h := w.Header()
	typ, name, how := u.Type, u.Name, "attachment"
	switch ending {
	case intake.Archive:
		typ, name = "application/pdf", strings.TrimSuffix(name, name[max(0, strings.LastIndexByte(name, '.')):])+".pdf"
	case intake.Preview:
		typ, how = "image/jpeg", "inline"
	}
	h.Set("Content-Type", typ)
	if ending == intake.Original {
		h.Set("Content-Length", strconv.FormatInt(u.Size, 10))
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": name}))
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(w, body); err != nil {
		return fmt.Errorf("intakeweb.file: %w", err)
	}
	return nil
}
