package portal

import (
	"html/template"

	"sallyport/front/web"
)

// SetupScan is Step 5: bring the secret into the app (S6). Nothing on it ever
// changes because of an error or a refresh.
type SetupScan struct {
	web.Frame
	Wizard   Wizard
	Action   string       // /2fa/setup/scan or /account/app
	NewCode  string       // /2fa/setup/scan/new or /account/app/new
	QR       string       // /2fa/setup/qr.png or /account/app/qr.png
	Link     template.URL // otpauth://…, which html/template would refuse as a string
	Key      string       // in groups of four
	Name     string       // the account part that the app shows
	OnPhone  bool         // the app is likely on the device that shows this page
	OldEntry bool         // an old entry may stand in the app
}

// Template names the page's file.
func (v *SetupScan) Template() string { return "setup-scan" }

// Base makes the frame.
func (v *SetupScan) Base() *web.Frame {
	if v.OnPhone {
		return v.Wizard.step(v.On("setup-scan", "setup-scan.title-phone"), 5)
	}
	return v.Wizard.step(v.On("setup-scan", "setup-scan.title"), 5)
}
