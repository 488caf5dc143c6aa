package server_test

import (
	"fmt"
	"sync"
	"testing"

	"sallyport/core/app"
)

// Who asks while another reads must not get the apps as they were before.
func TestNobodyIsToldOfTheAppsBeforeAChange(t *testing.T) {
	t.Parallel()
	h := open(t)
	for n := range 40 {
		id := fmt.Sprintf("wiki%d", n)
		added := app.App{ID: id, Name: "Wiki", Addresses: []string{fmt.Sprintf("https://%s.example.org", id)}, Access: app.Access{Groups: []string{app.Everyone}, Need: app.Need{Factors: app.Two}}}
		h.apply(app.Saved{App: added})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if book := h.core.Apps.Book(); book.App(id) == nil {
					t.Errorf("%s is not there", id)
				}
			})
		}
		all.Wait()
	}
}
