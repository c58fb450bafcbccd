// SPDX-License-Identifier: EUPL-1.2

package paydemo_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
	"mercator/web/webtest"
)

// TestCheckoutInABrowser pays on a phone and at a desk, and lets axe look at every page.
func TestCheckoutInABrowser(t *testing.T) {
	tn := newTown(t, storetest.SQLite(t, []store.Migrations{audit.Migrations(), payment.Migrations()}))
	b := webtest.Open(t)
	for i, width := range []int{320, 360, 1280} {
		b.Width(width)
		look := func(what string) {
			t.Helper()
			b.NoSidewaysScroll(fmt.Sprint(what, " ", width))
			b.SmallTargets(fmt.Sprint(what, " ", width))
			b.Axe(fmt.Sprint(what, " ", width))
		}
		id := tn.request(fmt.Sprint("case-", i), 3070)
		checkout := tn.begin(id)
		for _, lang := range []string{"tr", "en", "de"} {
			b.Go(checkout + "?lang=" + lang)
			look("checkout " + lang)
		}
		b.Run(chromedp.Click("#end-paid"), chromedp.Click(`button[value=pay]`))
		b.WaitText("back at the city")
		tn.called(i + 1)
		b.Go(checkout)
		b.WaitText("This payment has ended")
		look("over")
		b.Go(tn.config.BaseURL + "/checkout/nothing")
		look("unknown")
	}
}
