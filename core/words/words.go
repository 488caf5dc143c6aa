// Package words is the one catalogue of everything that Sallyport says to a
// person: pages, errors, text messages. No other package holds a sentence that
// somebody signing in may read. A word has a key (`sign-in.title`) and a
// pattern with named gaps (`We sent a code to {number}.`).
package words

import (
	"embed"
	"fmt"
	"sort"
	"strings"
)

//go:embed en/*.txt
var files embed.FS

var catalogue = load()

// load reads every file of the catalogue. A key that stands twice or a line
// that is neither comment nor `key: text` is a fault of the build, so it panics.
func load() map[string]string {
	all := map[string]string{}
	entries, err := files.ReadDir("en")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		text, err := files.ReadFile("en/" + entry.Name())
		if err != nil {
			panic(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			key, pattern, ok := strings.Cut(line, ": ")
			if _, twice := all[key]; !ok || twice {
				panic(fmt.Sprintf("words: %s line %d: %q is malformed or stands twice", entry.Name(), n+1, key))
			}
			all[key] = strings.ReplaceAll(pattern, `\n`, "\n")
		}
	}
	return all
}

// Pattern returns the words of key with their gaps, and whether there are any.
func Pattern(key string) (string, bool) {
	p, ok := catalogue[key]
	return p, ok
}

// Keys lists the catalogue in order.
func Keys() []string {
	keys := make([]string, 0, len(catalogue))
	for k := range catalogue {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Text returns the words of key with each gap filled; args alternate the name
// of a gap and its value. A gap without a value stays as it is, and an unknown
// key comes back between exclamation marks: both are found by the tests.
func Text(key string, args ...any) string {
	p, ok := catalogue[key]
	if !ok {
		return "!" + key + "!"
	}
	return Fill(p, func(gap string) (string, bool) {
		for i := 0; i+1 < len(args); i += 2 {
			if args[i] == gap {
				return fmt.Sprint(args[i+1]), true
			}
		}
		return "", false
	})
}

// Fill replaces each {gap} of a pattern by what value says of it.
func Fill(pattern string, value func(gap string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		gap, after, ok := strings.Cut(rest, "}")
		if !ok {
			b.WriteString("{" + rest)
			return b.String()
		}
		if v, known := value(gap); known {
			b.WriteString(v)
		} else {
			b.WriteString("{" + gap + "}")
		}
		pattern = after
	}
}

// Gaps lists the gaps of a pattern in the order in which they stand.
func Gaps(pattern string) (gaps []string) {
	Fill(pattern, func(gap string) (string, bool) {
		gaps = append(gaps, gap)
		return "", false
	})
	return gaps
}
