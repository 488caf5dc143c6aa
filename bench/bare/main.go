// Command bare is what the limits are measured with: net/http with the headers
// that the portal sends, a plain HTML form, and for a post one HMAC and one durable
// write, which is the least that an app code can cost; below /check/ the answers of
// the gate to a proxy, without a question, and below /app/ an app behind that proxy.
package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
)

const form = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Sign in</title><h1>Sign in</h1><form method="post"><p><label>Username <input name="username" autocomplete="username"></label><p><label>Password <input name="password" type="password" autocomplete="current-password"></label><p><button>Sign in</button></form></html>`

var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
	"X-Frame-Options":              "DENY",
	"Content-Type":                 "text/html; charset=utf-8",
}

// journal is written in place, as a database's log is.
type journal struct {
	sync.Mutex
	file *os.File
	at   int64
}

const page, pages = 4096, 1024

func (j *journal) commit(block []byte) error {
	j.Lock()
	defer j.Unlock()
	j.at = (j.at + 1) % pages
	if _, err := j.file.WriteAt(block, j.at*page); err != nil {
		return err
	}
	return syscall.Fdatasync(int(j.file.Fd()))
}

func main() {
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func serve(port string) error {
	file, err := os.CreateTemp(".", "journal-")
	if err != nil {
		return err
	}
	j := &journal{file: file}
	if _, err := file.Write(make([]byte, page*pages)); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	http.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		head(w)
		w.Write([]byte(form))
	})
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, page)
		copy(block, sum(r.PostFormValue("code")))
		if r.URL.Path == "/durable" {
			if err := j.commit(block); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		head(w)
		w.Header().Set("Location", "/account/security")
		w.Header().Add("Set-Cookie", "session=0123456789012345678901234567890123456789012; Path=/; HttpOnly; SameSite=Lax")
		w.WriteHeader(http.StatusSeeOther)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	fmt.Printf("bare is ready on http://localhost:%s\n", port)
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !check(w, r) {
			http.DefaultServeMux.ServeHTTP(w, r)
		}
	}))
}

// One value each, made once: the limit allocates nothing of its own.
var (
	user, groups, name, empty, noStore = []string{"member00000000"}, []string{"staff"}, []string{"Member Number 0"}, []string{""}, []string{"no-store"}
	leave                              = []string{"http://wiki.localhost/.sallyport/leave?rd=%2Fsome%2Fpage.html%3Fx%3D1"}
)

// check answers as the gate does.
func check(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	switch r.URL.Path {
	case "/check/allowed":
		h["Cache-Control"] = noStore
		h["Remote-User"], h["Remote-Groups"], h["Remote-Name"], h["Remote-Email"], h["Remote-Token"] = user, groups, name, empty, empty
	case "/check/denied":
		h["Cache-Control"], h["Location"] = noStore, leave
		w.WriteHeader(http.StatusSeeOther)
	case "/app/page.html":
		h["Content-Type"] = []string{"text/plain"}
		w.Write(page0)
	default:
		return false
	}
	return true
}

var page0 = []byte("an app behind a proxy\n")

func head(w http.ResponseWriter) {
	for name, value := range headers {
		w.Header().Set(name, value)
	}
}

func sum(code string) []byte {
	h := hmac.New(sha1.New, []byte("twenty bytes of key!"))
	h.Write([]byte(code))
	return h.Sum(nil)
}
