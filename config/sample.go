package config

import (
	_ "embed"
	"regexp"
	"strconv"
	"strings"
)

//go:embed sample.yaml
var sample string

// plain is what YAML reads as one text without quotes.
var plain = regexp.MustCompile(`^[a-z]+://[A-Za-z0-9.:\[\]/-]*[A-Za-z0-9\]/]$`)

// Sample returns the settings file that init writes for a url: every key with
// its default and a word about it, all but url commented out, and key_file too
// where it is not empty.
func Sample(url, keyFile string) []byte {
	if !plain.MatchString(url) {
		url = strconv.Quote(url)
	}
	text := strings.Replace(sample, "https://login.example.org", url, 1)
	if keyFile != "" {
		text = strings.Replace(text, "#key_file: ./sallyport.key", "key_file: "+strconv.Quote(keyFile), 1)
	}
	return []byte(text)
}
