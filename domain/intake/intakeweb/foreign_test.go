// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/domain/intake"
)

// Every address at which a draft or a life event is named, those to come as well, answers a neighbour, a clerk, and who isn't signed
// in, as if there was none; and nothing of it changes.
func TestEveryAddressOfADraftIsItsOwnersAlone(t *testing.T) {
	tn := newTown(t)
	anna := tn.visitor(t, "anna")
	anna.get("/events/moved/start").send("want-resident-parking-permit", "no", "want-dog-registration", "no", "want-child-care-place", "no").send("consent", "no")
	anna.at(draftID+"/page/.*", 200)
	ofBundle, page := strings.Split(anna.url, "/")[2], strings.Split(anna.url, "/")[4]
	bundle := regexp.MustCompile(bundleID).FindString(anna.get("/apply").body)
	anna.get("/services/resident-parking-permit/start").send("consent", "no").at(draftID+"/page/person", 200)
	single := strings.Split(anna.url, "/")[2]
	const secret = "Unverwechselbar"
	in := url.Values{"given_names": {secret}, "_field": {"given_names"}}
	anna.post("/apply/"+single+"/page/person", in)
	if anna.get("/apply/" + single + "/page/person").sees(secret); bundle == "" {
		t.Fatal("no life event among the drafts")
	}
	before := anna.body

	// One that was begun without signing in, with a file that is there and one that is coming.
	guest, begun, photo, coming := tn.guestWithFiles(t)
	kept := tn.filesOf(t, guest, begun)

	elsewhere := tn.browser(t)
	elsewhere.post("/services/report-defect/start", nil).at(draftID+"/page/place", 200)
	others := []*visitor{tn.visitor(t, "bora"), tn.visitor(t, "petra"), tn.visitor(t, ""), elsewhere}
	asked := 0
	for _, m := range tn.pages.Mounts() {
		method, path, _ := strings.Cut(m.Pattern, " ")
		if method == http.MethodOptions || !strings.Contains(path, "{draft}") && !strings.Contains(path, "{bundle}") {
			continue
		}
		for _, draft := range []struct{ id, page, field, hash, upload string }{{single, "person", "proof", strings.Repeat("a", 64), single}, {ofBundle, page, "proof", strings.Repeat("a", 64), single}, {begun.ID, "what", "photos", photo.Hash, coming.ID}} {
			at := strings.NewReplacer("{draft}", draft.id, "{bundle}", strings.TrimPrefix(bundle, "/bundles/"), "{page}", draft.page, "{field}", draft.field, "{hash}", draft.hash,
				"{upload}", draft.upload, "{invitation}", draft.id, "{part}", "parent").Replace(path)
			if strings.Contains(at, "{") {
				t.Fatalf("%s has a part that this test doesn't know: say what stands there", path)
			}
			for _, v := range others {
				r, err := http.NewRequest(method, tn.server.URL+at, strings.NewReader(url.Values{"given_names": {"Mallory"}, "_field": {"given_names"}, "consent": {"yes"}, "confirm": {"yes"}}.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if method == http.MethodPatch {
					r.Header.Set("Content-Type", tusPart)
				}
				r.Header.Set("Tus-Resumable", "1.0.0")
				r.Header.Set("Upload-Length", "10")
				r.Header.Set("Upload-Metadata", "field cGhvdG9z,filename eC5qcGc=")
				r.Header.Set("Upload-Offset", "10")
				v.client.Transport = noRedirect{}
				v.do(r)
				asked++
				if strings.Contains(v.body, secret) {
					t.Errorf("%s %s tells %q what Anna has written", method, path, v.who)
				}
				if v.status < 300 || v.status == http.StatusInternalServerError {
					t.Errorf("%s %s answers %q with %d:\n%.500s", method, path, v.who, v.status, v.body)
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("only %d requests", asked)
	}
	if anna.get("/apply/" + single + "/page/person"); anna.body != before {
		t.Errorf("the draft has changed:\n%s", anna.body)
	}
	anna.get("/apply").sees(bundle)
	if now := tn.filesOf(t, guest, begun); !reflect.DeepEqual(now, kept) {
		t.Errorf("files that were added without signing in were %+v and are %+v", kept, now)
	}
}

// guestWithFiles is somebody who has begun without signing in, with a photo and one of which ten bytes have come.
func (tn *town) guestWithFiles(t testing.TB) (guest access.Actor, d intake.Draft, photo intake.FileRef, coming intake.Upload) {
	t.Helper()
	ctx := t.Context()
	guest, _ = intake.GuestOf(intake.NewGuest())
	d, err := tn.Intake.StartGuest(ctx, guest, "report-defect", "192.0.2.1")
	if err == nil {
		err = tn.Intake.Upload(ctx, guest, d.ID, "photos", "hole.jpg", strings.NewReader(picture(t)))
	}
	if err == nil {
		coming, err = tn.Intake.BeginUpload(ctx, guest, d.ID, intake.NewUpload{Field: "photos", Name: "more.jpg", Size: 1000})
	}
	if err == nil {
		coming, err = tn.Intake.Receive(ctx, guest, d.ID, coming.ID, 0, strings.NewReader(picture(t)[:10]), nil)
	}
	if err == nil {
		d, err = tn.Intake.Draft(ctx, guest, d.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return guest, d, intake.Files(d.Answers["photos"])[0], coming
}

func (tn *town) filesOf(t testing.TB, a access.Actor, d intake.Draft) []intake.Upload {
	t.Helper()
	list, err := tn.Intake.Uploads(t.Context(), a, d)
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	return list
}

// noRedirect shows an answer that leads elsewhere as it is.
type noRedirect struct{}

func (noRedirect) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && res.StatusCode/100 == 3 {
		// Where it leads is said by the test of its own page; a client would follow it.
		res.Header.Del("Location")
	}
	return res, err
}
