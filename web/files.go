// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"context"
	"io"
	"mime/multipart"
	"net/http"

	"mercator/core/blob"
	"mercator/core/vault"
)

// Bounds of what comes with files.
const (
	maxValues      = 1 << 20 // bytes of all that isn't a file
	filesInMemory  = 1 << 20 // bytes of all files together
	maxFormFiles   = 100
	maxFormHeaders = maxFields + maxFormFiles
)

// FormFile is a file that came with a form.
type FormFile struct {
	Name string // as its device says
	*blob.Scratch
}

type formFiles struct{}

// Files are those that came in a field of a form, until the request has been answered; Form has to be called first. A field that was
// left empty has none.
func Files(r *http.Request, field string) []FormFile {
	all, _ := r.Context().Value(formFiles{}).(map[string][]FormFile)
	return all[field]
}

// AnyFiles tells whether a file came with a form.
func AnyFiles(r *http.Request) bool {
	all, _ := r.Context().Value(formFiles{}).(map[string][]FormFile)
	return len(all) > 0
}

// parseMultipart is http.Request.ParseMultipartForm, but that a file which is too large for memory doesn't lie readable in a folder
// for temporary files, where it would stay if the process was killed.
func parseMultipart(r *http.Request) error {
	if r.Context().Value(formFiles{}) != nil { // asked for twice
		return nil
	}
	if err := r.ParseForm(); err != nil { // what its address says
		return err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	key, err := vault.Once()
	if err != nil {
		return err
	}
	files := map[string][]FormFile{}
	// The request ends when it has been answered.
	context.AfterFunc(r.Context(), func() {
		for _, list := range files {
			for _, f := range list {
				f.Close()
			}
		}
	})
	values, memory, n := int64(maxValues), int64(filesInMemory), 0
	for count := 0; ; count++ {
		p, err := parts.NextPart()
		if err == io.EOF {
			*r = *r.WithContext(context.WithValue(r.Context(), formFiles{}, files))
			return nil
		}
		if err != nil {
			return err
		}
		if count > maxFormHeaders || n > maxFormFiles {
			return multipart.ErrMessageTooLarge
		}
		field := p.FormName()
		if field == "" {
			continue
		}
		if p.FileName() == "" { // of a field for files, too: it was left empty
			b, err := io.ReadAll(io.LimitReader(p, values+1))
			if err != nil {
				return err
			}
			if values -= int64(len(b) + len(field)); values < 0 {
				return multipart.ErrMessageTooLarge
			}
			r.PostForm.Add(field, string(b))
			r.Form.Add(field, string(b))
			continue
		}
		s, err := blob.NewScratch(key, p, memory)
		if err != nil {
			return err
		}
		memory -= s.Held()
		files[field] = append(files[field], FormFile{p.FileName(), s})
		n++
	}
}
