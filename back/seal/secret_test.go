package seal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sallyport/back/seal"
)

func TestASecretNeverShowsItself(t *testing.T) {
	line := newLine()
	f := keyFile(t, line)
	secret := seal.Secret("hunter2")
	value := struct {
		S seal.Secret
		P *seal.Secret
		F *seal.KeyFile
		V seal.KeyFile
		B *seal.Box
		M map[string]seal.Secret
	}{secret, &secret, f, *f, newBox(t), map[string]seal.Secret{"k": secret}}

	var all bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "% X", "%d", "%o", "%b", "%c", "%U", "%t"} {
		for _, v := range []any{value, secret, &secret, f, *f, value.B, []seal.Secret{secret}} {
			fmt.Fprintf(&all, verb+"\n", v)
		}
	}
	fmt.Fprintln(&all, fmt.Errorf("x %v", secret), secret)
	slog.New(slog.NewJSONHandler(&all, nil)).Info("x", "secret", secret, "value", value, "file", f, "box", value.B)
	slog.New(slog.NewTextHandler(&all, nil)).Info("x", "secret", secret, "value", value, "file", f, "box", value.B)
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	all.Write(text)

	out := strings.ToLower(all.String())
	for _, leak := range []string{"hunter2", "68756e74", "68 75 6e", "104 117", "0x68", "150 165", "ahvudgvy", strings.ToLower(line)} {
		if strings.Contains(out, leak) {
			t.Errorf("%q shows:\n%s", leak, out)
		}
	}
	if !strings.Contains(out, "[secret]") || string(secret.Reveal()) != "hunter2" {
		t.Error("the secret is lost")
	}
}
