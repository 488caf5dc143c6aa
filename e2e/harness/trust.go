package harness

import "github.com/chromedp/cdproto/security"

// Trust lets a tab believe every certificate: the authority is the test's own, and
// what a browser thinks of it is not what is tested.
func (b *Tab) Trust() *Tab {
	b.t.Helper()
	call(b, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	return b
}
