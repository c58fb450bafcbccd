// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"mercator/adapter/clamd"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/inspect"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/casefile/casefileweb"
	"mercator/domain/intake"
	"mercator/domain/intake/intakeweb"
	"mercator/domain/postbox"
)

// uploadsDir is where the files lie that people send: they come in parts and can go again, so they aren't among the documents.
func uploadsDir(c config.Config) string { return filepath.Join(c.Data.Shared, "uploads") }

// scanner is who looks for malware; nil: nobody.
func scanner(c config.Config) (func(ctx context.Context, r io.Reader) (string, error), error) {
	if c.Malware.Socket == "" {
		return nil, nil
	}
	client, err := clamd.New(c.Malware.Socket)
	if err != nil {
		return nil, err
	}
	return client.Scan, nil
}

// heicProgram reads pictures of telephones; nil: nobody does.
func heicProgram(c config.Config) inspect.HEIC {
	name := c.Uploads.HEIC
	if name == "" {
		self, err := os.Executable()
		if err != nil {
			return nil
		}
		name = filepath.Join(filepath.Dir(self), "mercator-heic")
		if _, err := os.Stat(name); err != nil {
			return nil
		}
	}
	return inspect.HEICBy(name)
}

// guestFiles are the bounds of the files of people who haven't signed in.
func guestFiles(c config.Config) intake.GuestFiles {
	const mb = 1_000_000
	g := c.Uploads.Guests
	return intake.GuestFiles{Files: g.Files, File: g.File * mb, Browser: g.Browser * mb, Network: g.Network * mb, All: g.All * mb}
}

// checkUploads has files looked at that came while nobody could.
func (h *House) checkUploads(ctx context.Context) error {
	silent := false
	return h.every(ctx, 30*time.Second, "uploaded files can't be checked for malware", func() (bool, error) {
		more, err := h.intake.CheckUploads(ctx)
		if !fault.Is(err, fault.Unavailable) {
			silent = false
			return more, err
		}
		if silent { // said once, not every half minute
			return false, nil
		}
		silent = true
		return false, err
	})
}

var (
	textMalware     = i18n.Text{"de": "Schadsoftware in einer Datei", "en": "Malware in a file", "tr": "Bir dosyada zararlı yazılım", "de-simple": "In einer Datei ist ein Virus"}
	textMalwareText = i18n.Text{
		"de":        "In einer Datei, die Sie mit Ihrem Antrag geschickt haben, wurde Schadsoftware gefunden. Wir öffnen sie nicht. Bitte prüfen Sie Ihr Gerät. Wir melden uns, wenn wir eine andere Datei brauchen.",
		"en":        "Malware was found in a file that you sent with your application. We don't open it. Please check your device. We will contact you if we need another file.",
		"tr":        "Başvurunuzla gönderdiğiniz bir dosyada zararlı yazılım bulundu. Dosyayı açmıyoruz. Lütfen cihazınızı denetleyin. Başka bir dosyaya ihtiyacımız olursa size bildiririz.",
		"de-simple": "Sie haben uns eine Datei geschickt. In der Datei ist ein Virus. Wir öffnen die Datei nicht. Bitte prüfen Sie Ihr Gerät.",
	}
)

// malwareFound tells applicant and file that something was found in a file after it had been handed in.
func (h *House) malwareFound(ctx context.Context, tx *store.Tx, u intake.Upload) error {
	c, err := h.cases.Peek(ctx, tx, u.Case)
	if err != nil {
		return err
	}
	if c.Person != "" {
		if _, err := h.postbox.Deliver(ctx, tx, postbox.Message{Person: c.Person, CaseID: c.ID, Office: c.Office, Subject: textMalware, Body: textMalwareText}); err != nil {
			return err
		}
	}
	return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.ID, Kind: casefile.Note, ActorKind: string(access.System), Title: textMalware, Body: i18n.Plain(u.Name)})
}

// caseFiles are the files that came with the application of a case.
func (h *House) caseFiles(ctx context.Context, g access.Grant, caseID string) ([]casefileweb.File, error) {
	list, err := h.intake.CaseFiles(ctx, g, caseID)
	out := make([]casefileweb.File, 0, len(list))
	for _, u := range list {
		out = append(out, casefileweb.File{ID: u.ID, Field: u.Field, Name: u.Name, Size: u.Size, Pages: u.Pages, Archive: u.Picture, State: u.State()})
	}
	return out, err
}

func (h *House) sendCaseFile(w http.ResponseWriter, r *http.Request, g access.Grant, caseID, id string, archive bool) error {
	ending := intake.Original
	if archive {
		ending = intake.Archive
	}
	u, body, err := h.intake.OpenCaseFile(r.Context(), g, caseID, id, ending)
	if err != nil {
		return err
	}
	defer body.Close()
	return intakeweb.ServeFile(w, r, u, ending, body)
}
