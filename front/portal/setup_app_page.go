package portal

import (
	"sallyport/front/web"
)

// SetupApp is Steps 1 and 2: have an authenticator app (S3).
type SetupApp struct {
	web.Frame
	Wizard Wizard
	Action string // /2fa/setup/app
}

// Template names the page's file.
func (v *SetupApp) Template() string { return "setup-app" }

// Base makes the frame.
func (v *SetupApp) Base() *web.Frame {
	return v.Wizard.step(v.On("setup-app", "setup-app.title"), 1)
}

// storeApp is an authenticator app that the guide names.
type storeApp struct{ Name, Apple, Google string }

// Apps are the guide's apps in its order. Our page does not send people to a
// store without saying so: each link is named in full.
func (v *SetupApp) Apps() []storeApp {
	const apple, google = "https://apps.apple.com/app/", "https://play.google.com/store/apps/details?id="
	return []storeApp{
		{"Google Authenticator", apple + "id388497605", google + "com.google.android.apps.authenticator2"},
		{"Microsoft Authenticator", apple + "id983156458", google + "com.azure.authenticator"},
		{"1Password", apple + "id1511601750", google + "com.onepassword.android"},
		{"LastPass", apple + "id1079110004", google + "com.lastpass.authenticator"},
	}
}
