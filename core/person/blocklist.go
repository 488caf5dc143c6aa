package person

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// common.txt is made by makelist; its head names the source.
//
//go:embed common.txt
var commonText string

var common = sync.OnceValue(func() map[string]struct{} {
	all := make(map[string]struct{}, 10_100)
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "#") {
			all[line] = struct{}{}
		}
	}
	return all
})

// IsCommon says whether a whole password is one of the most common, in whatever
// case. A part never counts: a long phrase may hold a common word (PW-05).
func IsCommon(password string) bool {
	_, listed := common()[strings.ToLower(password)]
	return listed
}

// tooClose says whether a whole password is a context word or a simple variant
// of one (C-13): other case, figures for letters, figures and punctuation before
// or after, said twice or more, backwards. Instead of writing out all variants,
// password and word are brought to the same plain form.
func tooClose(password string, context []string) bool {
	shapes := []shape{newShape(password), newShape(squeeze(password))}
	for _, word := range contextWords(context) {
		there := newShape(word)
		back := there.reversed()
		for _, s := range shapes {
			if s.varies(there) || s.varies(back) {
				return true
			}
		}
	}
	return false
}

// contextWords takes apart what the words may be made of: of a mail address the
// mail name, of a name of several words each that is long enough to mean it.
func contextWords(context []string) []string {
	var words []string
	for _, c := range context {
		words = append(words, c, squeeze(c))
		if at := strings.LastIndexByte(c, '@'); at > 0 {
			c = c[:at]
			box, _, _ := strings.Cut(c, "+") // what follows only sorts the mail
			words = append(words, c, squeeze(c), box, squeeze(box))
		}
		for _, part := range strings.FieldsFunc(c, func(r rune) bool {
			return !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit)
		}) {
			if len([]rune(part)) >= 3 {
				words = append(words, part)
			}
		}
	}
	return words
}

// squeeze leaves out what stands between words.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-_.,'’", r) {
			return -1
		}
		return r
	}, s)
}

// shape is a text with the differences taken out that simple variants make.
type shape struct {
	plain   []rune // lower case, figures that stand for letters as those letters
	letters []bool // where a letter stood and not a figure for one
	before  int    // so many figures and marks stand at the start
	after   int    // from here on there are only figures and marks
}

func newShape(s string) shape {
	runes := []rune(strings.ToLower(norm.NFKC.String(s)))
	out := shape{plain: make([]rune, len(runes)), letters: make([]bool, len(runes)), before: len(runes)}
	for i, r := range runes {
		out.plain[i] = letterFor(r)
		out.letters[i] = unicode.In(r, unicode.Letter, unicode.Mark)
		if !padding(r) {
			out.before, out.after = min(out.before, i), i+1
		}
	}
	return out
}

// letterFor is the letter that a figure or mark stands for in disguised words.
// 1 is both i and l, so these three are one.
func letterFor(r rune) rune {
	const from, to = "1l!|0346@$5789+2", "iiiioeagasstbgtz"
	if i := strings.IndexRune(from, r); i >= 0 {
		return rune(to[i])
	}
	return r
}

func padding(r rune) bool {
	return !unicode.In(r, unicode.Letter, unicode.Mark) &&
		(r < 128 || unicode.IsDigit(r) || unicode.IsPunct(r) || unicode.IsSpace(r))
}

func (s shape) reversed() shape {
	s.plain, s.letters = slices.Clone(s.plain), slices.Clone(s.letters)
	slices.Reverse(s.plain)
	slices.Reverse(s.letters)
	return s
}

// varies says whether s is word once or more, with nothing around it but
// figures and marks.
func (s shape) varies(word shape) bool {
	spelt := slices.Contains(word.letters, true)
	if !spelt && len(word.plain) < 3 {
		return false // a name like 7 would refuse every number
	}
	for start := 0; start <= min(s.before, len(s.plain)); start++ {
		end, disguised := start, spelt // figures alone are no word: 808 is not bob
		for hasPrefix(s.plain[end:], word.plain) {
			next := end + len(word.plain)
			disguised = disguised && !slices.Contains(s.letters[end:next], true)
			end = next
			if end >= s.after && !disguised {
				return true
			}
		}
	}
	return false
}

func hasPrefix(s, prefix []rune) bool {
	return len(s) >= len(prefix) && slices.Equal(s[:len(prefix)], prefix)
}
