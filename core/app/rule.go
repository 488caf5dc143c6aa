package app

import (
	"fmt"
	"strings"
)

// ParseRule reads a rule as commands are given it and as they print it:
//
//	paths=/admin/*,/setup methods=POST groups=admins need=two within 15m
//
// Lists have commas between; what is left out is left out of the rule.
func ParseRule(text string) (r Rule, err error) {
	const like = "hint: paths=/admin/* methods=POST groups=admins need=two within 15m"
	given, key := map[string]string{}, ""
	for word := range strings.FieldsSeq(text) {
		name, value, begins := strings.Cut(word, "=")
		_, doubled := given[name]
		switch {
		case begins && doubled:
			return Rule{}, fmt.Errorf("rule %q says %s twice; hint: commas stand between those of a list", text, name)
		case begins:
			key = name
			given[key] = value
		case key == "":
			return Rule{}, fmt.Errorf("rule %q begins with no key; %s", text, like)
		default:
			given[key] += " " + word // a group of two words, or the end of a need
		}
	}
	for key, value := range given {
		switch key {
		case "paths":
			r.Paths = strings.Split(value, ",")
		case "methods":
			r.Methods = strings.Split(value, ",")
		case "groups":
			r.Groups = strings.Split(value, ",")
		case "need":
			if r.Need, err = ParseNeed(value); err != nil {
				return Rule{}, fmt.Errorf("rule %q: need: %w", text, err)
			}
		default:
			return Rule{}, fmt.Errorf("rule %q has no key %q; %s", text, key, like)
		}
	}
	return r, nil
}

// String is how ParseRule reads it.
func (r Rule) String() string {
	var words []string
	for _, list := range []struct {
		key    string
		values []string
	}{{"paths", r.Paths}, {"methods", r.Methods}, {"groups", r.Groups}} {
		if len(list.values) > 0 {
			words = append(words, list.key+"="+strings.Join(list.values, ","))
		}
	}
	if r.Need != (Need{}) {
		words = append(words, "need="+r.Need.String())
	}
	return strings.Join(words, " ")
}
