// Makelist makes the list of common passwords anew:
//
//	npm pack @zxcvbn-ts/language-common   # in a directory outside the repository
//	tar xzf zxcvbn-ts-language-common-*.tgz
//	go run ./core/person/makelist package core/person
//
// It takes the first 10,000 passwords of 8 characters or more, most common
// first, and besides all those of 15 or more, since they are few. It writes
// common.txt, whose head names the source, and common.LICENSE.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	wanted = 10_000
	least  = 8
	long   = 15
)

// source is what package.json says of the list.
type source struct {
	Name, Version, License, Homepage string
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: makelist UNPACKED-PACKAGE OUTPUT-DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "makelist:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	var about source
	if err := readJSON(filepath.Join(from, "package.json"), &about); err != nil {
		return err
	}
	var ranked []string
	if err := readJSON(filepath.Join(from, "src", "passwords.json"), &ranked); err != nil {
		return err
	}
	licence, err := os.ReadFile(filepath.Join(from, "LICENSE.txt"))
	if err != nil {
		return err
	}
	list := choose(ranked)
	if len(list) < wanted {
		return fmt.Errorf("%s has only %d passwords of %d characters or more", about.Name, len(list), least)
	}
	what := fmt.Sprintf("npm package %s %s (%s, %s)", about.Name, about.Version, about.License, about.Homepage)
	head := fmt.Sprintf("# The %d most common passwords of %d characters or more, most common first, then the rest of %d or more.\n"+
		"# Source: %s, src/passwords.json.\n# Made on %s by makelist; do not edit. Licence: common.LICENSE.\n",
		wanted, least, long, what, time.Now().UTC().Format(time.DateOnly))
	if err := os.WriteFile(filepath.Join(to, "common.txt"), []byte(head+strings.Join(list, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	note := "common.txt is a selection from the " + what + ".\nIts licence:\n\n"
	return os.WriteFile(filepath.Join(to, "common.LICENSE"), append([]byte(note), licence...), 0o644)
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// choose takes from the ranked passwords those that belong on the list, in the
// form in which they are compared.
func choose(ranked []string) []string {
	var list []string
	seen := map[string]bool{}
	for _, password := range ranked {
		password = strings.ToLower(norm.NFC.String(password))
		n := utf8.RuneCountInString(password)
		if n < least || len(list) >= wanted && n < long || seen[password] || !plain(password) {
			continue
		}
		seen[password] = true
		list = append(list, password)
	}
	return list
}

// plain says whether a password can stand on a line of the list.
func plain(password string) bool {
	return utf8.ValidString(password) && !strings.HasPrefix(password, "#") && !strings.ContainsFunc(password, unicode.IsControl)
}
