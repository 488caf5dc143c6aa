package clients

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/e2e/harness"
)

// beside starts npm's oidc-provider with the same clients as our portal has.
func (w *world) beside(t testing.TB, port int) (issuer string) {
	t.Helper()
	issuer = fmt.Sprintf("https://localhost:%d", port)
	client := func(id, auth, callback string, more map[string]any) map[string]any {
		c := map[string]any{"client_id": id, "token_endpoint_auth_method": auth, "redirect_uris": []string{w.apps[id].url + callback},
			"post_logout_redirect_uris": []string{w.apps[id].url + "/signed-out"}, "grant_types": []string{"authorization_code", "refresh_token"},
			"scope": "openid profile email groups offline_access"}
		if auth != "none" {
			c["client_secret"] = w.apps[id].secret
		}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	given, err := json.Marshal(map[string]any{"issuer": issuer, "port": port, "cert": w.chain, "key": w.key, "clients": []any{
		client("wiki", "client_secret_basic", "/.oidc", map[string]any{"backchannel_logout_uri": w.apps["wiki"].url + "/.oidc?logout=backchannel", "backchannel_logout_session_required": true}),
		client("notes", "client_secret_basic", "/callback", nil),
		client("board", "client_secret_post", "/callback", nil),
		client("sketch", "none", "/", map[string]any{"post_logout_redirect_uris": []string{w.apps["sketch"].url + "/"}}),
		client("ledger", "client_secret_basic", "/callback", map[string]any{"backchannel_logout_uri": w.apps["ledger"].url + "/back-channel", "backchannel_logout_session_required": true,
			"id_token_signed_response_alg": "ES256"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "provider.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(harness.Need(t, "node"), script)
	c.Env = append(os.Environ(), "PACKAGES="+packages(t), "NODE_EXTRA_CA_CERTS="+w.root)
	c.Stdin = strings.NewReader(string(given))
	w.begin(t, "oidc-provider", c, func() error { return w.answers(issuer + "/.well-known/openid-configuration") })
	return issuer
}
