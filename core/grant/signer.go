package grant

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/core/audit"
	"sallyport/core/change"
)

// The algorithms of signatures. There are no others: none and HS256 never were.
const (
	RS256 = "RS256"
	ES256 = "ES256"
	EdDSA = "EdDSA"
)

// Algorithms are all of them, the default first.
var Algorithms = []string{RS256, ES256, EdDSA}

// A new key is published for so long before it signs, and an old one for so long
// after it last did: longer than anything it signed lives, and than a session, so
// that a hint at sign-out is still known.
const (
	keyLead  = 10 * time.Minute
	keyRest  = 25 * time.Hour
	keysFor  = time.Second // how long what was read counts
	rsaBits  = 3072
	keyTries = 5
)

// Key is a signing key as it is kept. Private is sealed in the database.
type Key struct {
	ID        string // algorithm and number: two nodes cannot make the same
	Algorithm string
	KID       string
	Private   []byte // PKCS #8
	MadeAt    time.Time
	UseAt     time.Time
	EndsAt    time.Time // zero while it is the newest
}

// KeyMade puts a signing key beside the others of its algorithm. The condition: its
// number is new.
type KeyMade struct {
	change.Mark
	Key Key
}

// KeyReplaced says until when older keys of an algorithm are published. It has no
// condition.
type KeyReplaced struct {
	change.Mark
	ID     string // the newer one
	Of     string // algorithm
	EndsAt time.Time
}

// Keys reads signing keys.
type Keys interface {
	SigningKeys(ctx context.Context) ([]Key, error)
}

// Signing is a key that can be used.
type Signing struct {
	Key
	Signer crypto.Signer
}

// Signer holds the keys that sign tokens. They are made when they are first needed,
// once over all nodes, and read again once a second at most.
type Signer struct {
	Issuer  string
	Store   Keys
	Changes interface {
		Apply(ctx context.Context, set change.Set) error
	}
	Now func() time.Time

	mu   sync.Mutex
	read time.Time
	keys []Signing
	make sync.Mutex
}

// Published are the keys whose signatures somebody may still have to check.
func (s *Signer) Published(ctx context.Context) ([]Signing, error) {
	keys, err := s.all(ctx, false)
	now := s.Now()
	return slices.DeleteFunc(slices.Clone(keys), func(k Signing) bool { return !k.EndsAt.IsZero() && !now.Before(k.EndsAt) }), err
}

func (s *Signer) all(ctx context.Context, force bool) ([]Signing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !force && time.Since(s.read) < keysFor {
		return s.keys, nil
	}
	rows, err := s.Store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	var keys []Signing
	for _, row := range rows {
		if at := slices.IndexFunc(s.keys, func(k Signing) bool { return k.ID == row.ID && k.KID == row.KID }); at >= 0 {
			keys = append(keys, Signing{row, s.keys[at].Signer})
			continue
		}
		parsed, err := x509.ParsePKCS8PrivateKey(row.Private)
		if err != nil {
			return nil, fmt.Errorf("read signing key %s: %w", row.ID, err)
		}
		signer, ok := parsed.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("signing key %s signs nothing", row.ID)
		}
		keys = append(keys, Signing{row, signer})
	}
	s.keys, s.read = keys, time.Now()
	return keys, nil
}

// Current is the key that signs with an algorithm now; the first one is made.
func (s *Signer) Current(ctx context.Context, algorithm string) (Signing, error) {
	if algorithm == "" {
		algorithm = RS256
	}
	if !slices.Contains(Algorithms, algorithm) {
		return Signing{}, fmt.Errorf("no signing by %q", algorithm)
	}
	keys, err := s.all(ctx, false)
	if err != nil {
		return Signing{}, err
	}
	if k, ok := current(keys, algorithm, s.Now()); ok {
		return k, nil
	}
	s.make.Lock()
	defer s.make.Unlock()
	if keys, err = s.all(ctx, true); err != nil {
		return Signing{}, err
	}
	if k, ok := current(keys, algorithm, s.Now()); ok {
		return k, nil // somebody else has made it
	}
	if err := s.add(ctx, algorithm, 1, nil); err != nil {
		return Signing{}, err
	}
	if keys, err = s.all(ctx, true); err != nil {
		return Signing{}, err
	}
	if k, ok := current(keys, algorithm, s.Now()); ok {
		return k, nil
	}
	return Signing{}, errors.New("a signing key was made and is not there")
}

// current is the newest key of an algorithm whose time to sign has come.
func current(keys []Signing, algorithm string, now time.Time) (best Signing, ok bool) {
	for _, k := range keys {
		if k.Algorithm == algorithm && !now.Before(k.UseAt) && (!ok || k.UseAt.After(best.UseAt)) {
			best, ok = k, true
		}
	}
	return best, ok
}

// add makes a key. One that somebody else has made at the same moment is as good.
func (s *Signer) add(ctx context.Context, algorithm string, number int, entry *audit.Entry) error {
	signer, err := generate(algorithm)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	k := Key{ID: fmt.Sprintf("%s-%d", algorithm, number), Algorithm: algorithm, MadeAt: s.Now(), UseAt: s.Now()}
	if k.Private, err = x509.MarshalPKCS8PrivateKey(signer); err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	sum := sha256.Sum256(public)
	k.KID = base64.RawURLEncoding.EncodeToString(sum[:16])
	set := change.Set{KeyMade{Key: k}}
	if number > 1 {
		k.UseAt = k.MadeAt.Add(keyLead)
		set = change.Set{KeyMade{Key: k}, KeyReplaced{ID: k.ID, Of: algorithm, EndsAt: k.UseAt.Add(keyRest)}}
	}
	if entry != nil {
		entry.Reason = k.ID
		set.Add(*entry)
	}
	err = s.Changes.Apply(ctx, set)
	if _, overtaken := errors.AsType[*change.Refused](err); overtaken {
		return nil
	}
	return err
}

func generate(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	_, k, err := ed25519.GenerateKey(rand.Reader)
	return k, err
}

// Rotate makes the next key of each algorithm that is in use: published at once,
// signing ten minutes later, while the old one stays published until nothing that
// it signed is alive. It returns the names of the new keys.
func (s *Signer) Rotate(ctx context.Context, entry audit.Entry) (made []string, err error) {
	keys, err := s.all(ctx, true)
	if err != nil {
		return nil, err
	}
	last := map[string]int{}
	for _, k := range keys {
		var n int
		if _, err := fmt.Sscanf(strings.TrimPrefix(k.ID, k.Algorithm), "-%d", &n); err != nil {
			return nil, fmt.Errorf("signing key %s has no number", k.ID)
		}
		last[k.Algorithm] = max(last[k.Algorithm], n)
	}
	for _, algorithm := range Algorithms {
		if last[algorithm] == 0 {
			continue
		}
		one := entry
		one.ID = rand.Text()
		if err := s.add(ctx, algorithm, last[algorithm]+1, &one); err != nil {
			return made, err
		}
		made = append(made, fmt.Sprintf("%s-%d", algorithm, last[algorithm]+1))
	}
	return made, nil
}

// TypeID and TypeGate stand in the heads of ID tokens and of what the gate says: the
// same keys sign both, so each has a type and an audience that the other never has
// (RFC 8725 3.11, 3.12).
const (
	TypeID   = "JWT"
	TypeGate = "sallyport-gate+jwt"
)

// GateAudience is whom the gate speaks to at an app. The id alone is the app as a
// client.
func GateAudience(app string) string { return "urn:sallyport:gate:" + app }

// GateToken signs a short-lived statement about a person to an app behind a proxy.
func (s *Signer) GateToken(ctx context.Context, algorithm, app, sub string, claims map[string]any, life time.Duration) (string, error) {
	return s.sign(ctx, algorithm, TypeGate, GateAudience(app), sub, claims, life)
}

func (s *Signer) sign(ctx context.Context, algorithm, typ, aud, sub string, claims map[string]any, life time.Duration) (string, error) {
	k, err := s.Current(ctx, algorithm)
	if err != nil {
		return "", err
	}
	now := s.Now()
	all := map[string]any{"iss": s.Issuer, "aud": aud, "iat": now.Unix(), "exp": now.Add(life).Unix(), "jti": rand.Text()}
	if sub != "" {
		all["sub"] = sub
	}
	for name, value := range claims {
		if _, ours := all[name]; !ours {
			all[name] = value
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("write token: %w", err)
	}
	return k.Sign(typ, body)
}

// Sign makes a compact JWS (RFC 7515) of a body.
func (k Signing) Sign(typ string, body []byte) (string, error) {
	head, err := json.Marshal(map[string]string{"alg": k.Algorithm, "kid": k.KID, "typ": typ})
	if err != nil {
		return "", fmt.Errorf("write token: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	var mark []byte
	switch private := k.Signer.(type) {
	case *rsa.PrivateKey:
		mark, err = rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		r, v, bad := ecdsa.Sign(rand.Reader, private, sum[:])
		if err = bad; err == nil {
			mark = make([]byte, 64)
			r.FillBytes(mark[:32])
			v.FillBytes(mark[32:])
		}
	case ed25519.PrivateKey:
		mark = ed25519.Sign(private, []byte(text))
	default:
		err = errors.New("unknown sort of key")
	}
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(mark), nil
}
