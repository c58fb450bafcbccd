// SPDX-License-Identifier: EUPL-1.2

package oidclogin_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"mercator/web/webtest"
)

// TestProvidersPagesInABrowser signs in on a phone and at a desk, and lets axe look at every page. It
// also shows that the pages' policy lets the browser follow the way back to the portal.
func TestProvidersPagesInABrowser(t *testing.T) {
	tn := newTown(t, nil)
	b := webtest.Open(t)
	for i, width := range []int{320, 360, 1280} {
		b.Width(width)
		look := func(what string) {
			t.Helper()
			b.NoSidewaysScroll(fmt.Sprint(what, " ", width))
			b.SmallTargets(fmt.Sprint(what, " ", width))
			b.Axe(fmt.Sprint(what, " ", width))
		}
		b.Go(tn.portal + fmt.Sprintf("/signin?level=substantial&fresh=1&back=/here-%d", i))
		look("password")
		b.Run(chromedp.SetValue("#login", "anna-schmidt"), chromedp.SetValue("#password", "wrong"), chromedp.Click(`button[value=password]`))
		b.WaitText("do not match")
		look("password with an error")
		b.Run(chromedp.SetValue("#login", "anna-schmidt"), chromedp.SetValue("#password", password), chromedp.Click(`button[value=password]`))
		b.WaitText("Enter the code")
		look("proof")
		code := webtest.Eval[string](b, `document.querySelector(".proof strong").textContent`)
		b.Run(chromedp.SetValue("#proof", code), chromedp.Click(`button[value=proof]`))
		b.WaitText(fmt.Sprintf("/here-%d|true|resident|person-anna|Anna Schmidt|substantial", i))
		b.Go(tn.portal + "/signin?level=high&back=/")
		b.WaitText("You are signed in as anna-schmidt")
		look("step-up")
		b.Go(tn.issuer + "/end_session?client_id=portal")
		b.WaitText("Would you like to sign out?")
		look("sign out")
		b.Run(chromedp.Click(`button[type=submit]`))
		b.WaitText("You are signed out")
		look("signed out")
		b.Go(tn.issuer + "/login?id=x")
		b.WaitText("You cannot continue here")
		look("expired")
	}
}
