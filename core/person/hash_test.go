package person

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// cheap keeps tests quick; Check refuses it.
var cheap = Params{MemoryKiB: 64, Time: 1, Threads: 1}

func TestAHashIsAnArgon2idString(t *testing.T) {
	phc := Hash("correct horse", cheap)
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Error(phc)
	}
	_, salt, tag, err := decode(phc)
	if err != nil || len(salt) != 16 || len(tag) != 32 {
		t.Errorf("salt %d, tag %d, %v", len(salt), len(tag), err)
	}
	if phc == Hash("correct horse", cheap) {
		t.Error("equal passwords give equal strings")
	}
}

func TestOnlyTheRightPasswordIsVerified(t *testing.T) {
	phc := Hash("correct horse", cheap)
	long := strings.Repeat("x", 72)
	for _, c := range []struct {
		why, phc, entered string
		want              bool
	}{
		{"right", phc, "correct horse", true},
		{"empty", phc, "", false},
		{"a space more", phc, "correct horse ", false},
		{"other case", phc, "Correct horse", false},
		{"different after 72 bytes", Hash(long+"a", cheap), long + "b", false},
		{"made by the reference program", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password", true},
	} {
		if ok, _, err := Verify(c.phc, c.entered); ok != c.want || err != nil {
			t.Errorf("%s: %v, %v", c.why, ok, err)
		}
	}
}

func TestVerifyTellsTheCosts(t *testing.T) {
	p := Params{MemoryKiB: 128, Time: 2, Threads: 3}
	if _, got, err := Verify(Hash("x", p), "y"); got != p || err != nil {
		t.Error(got, err)
	}
}

func TestABrokenOrCostlyStringIsAnErrorAtOnce(t *testing.T) {
	const salt, tag = "c29tc2FsdHNvbWVzYWx0", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	whole := func(head string) string { return head + "$" + salt + "$" + tag }
	if _, _, err := Verify(whole("$argon2id$v=19$m=64,t=1,p=1"), "x"); err != nil {
		t.Fatal("the pattern itself:", err)
	}
	began := time.Now()
	for _, c := range []struct{ why, phc string }{
		{"empty", ""},
		{"bcrypt", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"},
		{"argon2i", whole("$argon2i$v=19$m=64,t=1,p=1")},
		{"an older version", whole("$argon2id$v=16$m=64,t=1,p=1")},
		{"no version", whole("$argon2id$m=64,t=1,p=1")},
		{"another order", whole("$argon2id$v=19$t=1,m=64,p=1")},
		{"a leading zero", whole("$argon2id$v=19$m=064,t=1,p=1")},
		{"more parameters", whole("$argon2id$v=19$m=64,t=1,p=1,keyid=x")},
		{"256 MiB and more", whole("$argon2id$v=19$m=262145,t=1,p=1")},
		{"more than 32 bits", whole("$argon2id$v=19$m=4294967360,t=1,p=1")},
		{"11 rounds", whole("$argon2id$v=19$m=64,t=11,p=1")},
		{"no rounds", whole("$argon2id$v=19$m=64,t=0,p=1")},
		{"no threads", whole("$argon2id$v=19$m=64,t=1,p=0")},
		{"256 threads", whole("$argon2id$v=19$m=65536,t=1,p=256")},
		{"65 threads", whole("$argon2id$v=19$m=65536,t=1,p=65")},
		{"less memory than threads need", whole("$argon2id$v=19$m=31,t=1,p=4")},
		{"a short salt", "$argon2id$v=19$m=64,t=1,p=1$c29tZQ$" + tag},
		{"a short tag", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$c29tZQ"},
		{"no tag", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$"},
		{"padded", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + tag + "="},
		{"something after", whole("$argon2id$v=19$m=64,t=1,p=1") + "$x"},
		{"a line break", whole("$argon2id$v=19$m=64,t=1,p=1") + "\n"},
	} {
		if ok, params, err := Verify(c.phc, "password"); ok || err == nil || params != (Params{}) {
			t.Errorf("%s: %v, %v, %v", c.why, ok, params, err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCostsBelowTheFloorAreRefused(t *testing.T) {
	for _, c := range []struct {
		why  string
		p    Params
		want string
	}{
		{"the default", Default, ""},
		{"the floor", Floor, ""},
		{"nothing set", Params{}, "memory of 0 KiB is too little"},
		{"little memory", Params{19455, 2, 1}, "memory of 19455"},
		{"one round", Params{65536, 1, 1}, "time of 1"},
		{"no thread", Params{65536, 2, 0}, "needs a thread"},
		{"more than is verified", Params{262145, 2, 1}, "too much"},
		{"too many rounds", Params{65536, 11, 1}, "too much"},
		{"too many threads", Params{65536, 2, 65}, "too much"},
	} {
		err := c.p.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.why, err)
		}
	}
}

func TestTheDummyIsConstantAndNobodysPassword(t *testing.T) {
	if first, second := Dummy(cheap), Dummy(cheap); first != second {
		t.Error("not constant")
	}
	if len(Dummy(cheap)) != len(Hash("x", cheap)) {
		t.Error("not of the form of a hash")
	}
	for _, password := range []string{"", "password"} {
		if ok, p, err := Verify(Dummy(cheap), password); ok || p != cheap || err != nil {
			t.Error(ok, p, err)
		}
	}
	if !strings.HasPrefix(Dummy(Default), "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Error(Dummy(Default))
	}
}

func TestARecoveryCodeIsHashedWithItsSalt(t *testing.T) {
	salt, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	one := HashWithSalt("8KZT4Q2M7XPD93HB", salt)
	if len(one) != 32 || !bytes.Equal(one, HashWithSalt("8KZT4Q2M7XPD93HB", salt)) {
		t.Error("not constant")
	}
	if bytes.Equal(one, HashWithSalt("8KZT4Q2M7XPD93HB", other)) || bytes.Equal(one, HashWithSalt("8KZT4Q2M7XPD93HC", salt)) {
		t.Error("salt or code is not counted")
	}
}

func FuzzADecodedStringIsWrittenBackTheSame(f *testing.F) {
	f.Add(Hash("x", cheap))
	f.Add(Dummy(Default))
	f.Add("$argon2id$v=19$m=+64,t=1,p=1$c29tc2FsdHNvbWVzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Fuzz(func(t *testing.T, phc string) {
		p, salt, tag, err := decode(phc)
		if err == nil && encode(p, salt, tag) != phc {
			t.Fatalf("%q is written back as %q", phc, encode(p, salt, tag))
		}
		if err == nil && (p.MemoryKiB > maxMemoryKiB || p.Time > maxTime) {
			t.Fatal(fmt.Sprint(p))
		}
	})
}
