package server

import (
	"net/http"
	"strings"

	"rsc.io/qr"

	"sallyport/front/web"
)

// PagePolicy is the content policy of every page, for the server of samples.
const PagePolicy = web.Policy

// SampleQR is the picture on the sample pages: a QR code of no secret.
func SampleQR(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/qr.png") {
		http.NotFound(w, r)
		return
	}
	code, err := qr.Encode("otpauth://totp/Sallyport:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Sallyport&algorithm=SHA1&digits=6&period=30", qr.M)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	code.Scale = 6
	w.Header().Set("Content-Type", "image/png")
	w.Write(code.PNG())
}
