package web

import (
	"net/http"
	"net/url"

	"sallyport/core/app"
)

// StepUp sends a browser to show what a door asks for, and to come back to an
// address of the portal.
func StepUp(w http.ResponseWriter, r *http.Request, a app.Answer, back string) error {
	at := "/sign-in?rd="
	switch a {
	case app.Confirm:
		at = "/confirm?to="
	case app.SetUp:
		at = "/sign-in?set-up=1&rd="
	}
	return Redirect(w, r, at+url.QueryEscape(back))
}
