package server

import (
	"net/http"
	"strings"

	"rsc.io/qr"

	"sallyport/front/portal"
	"sallyport/front/web"
)

// PagePolicy is the content policy of every page, for the server of samples.
const PagePolicy = web.Policy

// SampleQR is the picture on the sample pages: a QR code of the sample key, which is nobody's.
func SampleQR(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/qr.png") {
		http.NotFound(w, r)
		return
	}
	code, err := qr.Encode(portal.SampleLink, qr.M)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	code.Scale = 6
	w.Header().Set("Content-Type", "image/png")
	w.Write(code.PNG())
}
