package config

import (
	"strings"
	"testing"
	"time"
)

func TestPartsOfYAMLThatSettingsDoNotNeedAreRefused(t *testing.T) {
	rows := []struct{ name, text, want string }{
		{"an anchor", base + "name: &n Ada\n", "s.yaml:2: an anchor (&) is not allowed here"},
		{"an alias", base + "name: *n\n", "s.yaml:2: an alias (*) is not allowed here"},
		{"a merge", base + "log:\n  <<: {level: info}\n", "s.yaml:3: a merge (<<) is not allowed here"},
		{"a tag", base + "name: !!str 3\n", "s.yaml:2: a tag (!) is not allowed here"},
		{"a directive", "%YAML 1.1\n---\n" + base, "s.yaml:1: a directive (%) is not allowed here"},
		{"a key with ?", "? url\n: x\n", "s.yaml:1: a key with ? is not allowed here"},
		{"two documents", base + "---\nname: Ada\n", "s.yaml:3: begins a second document"},
		{"a tab", base + "log:\n\tlevel: info\n", "s.yaml:3: cannot be read as YAML: found character"},
		{"an open quote", base + "name: \"Ada\n", "s.yaml:2: cannot be read as YAML"},
		{"indentation", base + "  name: Ada\n", "s.yaml:1: cannot be read as YAML"},
		{"other bytes", base + "name: \xff\n", "s.yaml:2: is not valid UTF-8"},
		{"NUL", base + "\x00", "s.yaml:2: holds a NUL"},
		{"NUL by its number", base + "name: \"\\0\"\n", "s.yaml:2: name: holds a line break or a character"},
		{"a key that steers the terminal", base + "\"a\\e[2J\\nb\": 1\n", "s.yaml:2: a\ufffd[2J\ufffdb: there is no such key"},
		{"lines that end with two characters", "url: \"https:\r\n  //a.test\"\r\n\r\nx: 1\r\n", "s.yaml:1: url: "},
		{"a large file", strings.Repeat("#\n", maxFile/2) + base, "s.yaml: is larger than 256 KiB"},
		{"many values", strings.Repeat("a: 1\n", 10_000), "s.yaml: holds too many values"},
	}
	for _, row := range rows {
		_, err := Parse([]byte(row.text), "s.yaml", nil)
		if err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestAFileThatCannotBeReadStillTellsOfTheEnvironment(t *testing.T) {
	_, err := Parse([]byte("name: \"Ada\n"), "s.yaml", []string{"SALLYPORT_NMAE=x"})
	if err == nil || !strings.Contains(err.Error(), "\nSALLYPORT_NMAE: there is no such variable") || strings.Contains(err.Error(), "url") {
		t.Errorf("got %v", err)
	}
}

func TestWhatOperatorsWriteIsRead(t *testing.T) {
	for name, text := range map[string]string{
		"carriage returns":     "url: https://a.test\r\nname: Ada\r\nlog:\r\n  level: warn\r\n",
		"a byte order mark":    "\ufeffurl: https://a.test\nname: Ada\nlog: {level: warn}\n",
		"a document's mark":    "---\nurl: https://a.test\nname: Ada\nlog: {level: warn}\n...\n",
		"quotes":               "\"url\": 'https://a.test'\nname: \"Ada\"\nlog:\n    level: \"warn\"\n",
		"no end of line":       "url: https://a.test\nname: Ada\nlog:\n  level: warn",
		"comments all over":    "# a\n\nurl: https://a.test # b\n# c\nname: Ada\nlog: # d\n  # e\n  level: warn # f\ntls:\n  #cert_file: x\nbrand:\n",
		"a block for one line": "url: >\n  https://a.test\nname: |\n  Ada\nlog:\n  level: warn\n",
		"one line":             "{url: https://a.test, name: Ada, log: {level: warn}}",
		"a slash":              "url: HTTPS://A.test:443/\nname: Ada\nlog: {level: warn}\n",
	} {
		c, err := Parse([]byte(text), "s.yaml", nil)
		if err != nil || c.URL != "https://a.test" || c.Name != "Ada" || c.Log.Level != "warn" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestWordsThatOtherReadersTakeForSomethingElseStayWords(t *testing.T) {
	c, err := Parse([]byte(base+"default_country: NO\nname: 007\nsms: {countries: [NO, IN]}\npolicy: {phone: off}\nbrand: {help_phone: 0123 45, app_name: true, sms_name: 1.50}\n"), "s.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.DefaultCountry != "NO" || c.Name != "007" || c.Policy.Phone != Off || c.SMS.Countries[0] != "NO" ||
		c.Brand.HelpPhone != "0123 45" || c.AppName() != "true" || c.SMSName() != "1.50" {
		t.Errorf("got %+v", c)
	}
}

// Each of these kept the parser busy for seconds or minutes before the bounds.
func TestNoFileKeepsTheStartWaiting(t *testing.T) {
	for _, part := range []string{"a: 1\n", "a:\n", "a: ", "\"", "[", "{", "{a: ", "- ", "? ", ": ", "&a ", "*a ", "a: [*a,*a]\n", "a: >\n b\n", "!", "'", "a: |\n ", "#", "---\n", "%a\n", "\\", ",", "[a, ", "-\n ", "a: 'b'\n", "\"\\u0041\"", "<<: *a\n"} {
		for _, size := range []int{maxFile, maxTokens * 2} {
			text := strings.Repeat(part, size/len(part))
			begun := time.Now()
			_, err := Parse([]byte(text), "s.yaml", nil)
			if err == nil {
				t.Errorf("%q was accepted", part)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("%d bytes of %q took %v", size, part, took)
			} else if took > time.Second/2 {
				t.Logf("%d bytes of %q took %v", size, part, took)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(Sample("https://login.example.org", "")), "")
	f.Add(string(uncommented("database_file")), "SALLYPORT_NAME=Ada")
	for _, row := range faulty {
		f.Add(row.text, "SALLYPORT_PROXIES=10.0.0.1, ::1")
	}
	f.Add("a: &a [*a]\n<<: *a", "SALLYPORT_X")
	f.Fuzz(func(t *testing.T, text, variable string) {
		begun := time.Now()
		c, err := Parse([]byte(text), "s.yaml", []string{variable})
		if took := time.Since(begun); took > 5*time.Second {
			t.Fatalf("it took %v", took)
		}
		if err != nil {
			faults, ok := err.(*Faults)
			if !ok || len(faults.List) == 0 || c != nil {
				t.Fatalf("got %v, %v", c, err)
			}
			for _, fault := range faults.List {
				if fault.Problem == "" || fault.Line < 0 || fault.Line > strings.Count(string(lineEnds([]byte(text))), "\n")+1 {
					t.Fatalf("%+v", fault)
				}
			}
			if lines := strings.Count(err.Error(), "\n") + 1; lines != min(len(faults.List), maxPrinted+1) {
				t.Fatalf("%d faults on %d lines", len(faults.List), lines)
			}
			return
		}
		if c.Host() == "" || c.URL == "" || c.AppName() == "" || c.SMSName() == "" || len(c.Prefixes()) != len(c.Proxies) || !c.HTTPS() && !c.Loopback() {
			t.Fatalf("accepted: %+v", c)
		}
	})
}

func TestTheLineIsRightAfterWhateverStandsBefore(t *testing.T) {
	for _, before := range []string{
		"", "\n\n# x\n\n", "name: \"a\n  b\"\n", "name: \"a\n\n  b\"\n", "name: 'a\n\n  b'\n", "name: a\n  b\n\n  c\n", "name: |\n  a\n\n\n", "name: >-\n\n  a\n  b\n\n# x\n",
		"proxies: [10.0.0.1,\n  # x\n\n  10.0.0.2]\n", "proxies:\n\n- 10.0.0.1\n# x\n- 10.0.0.2\n\n", "log: {\n level: info\n\n}\n", "name: a # x\n\n\n", "tls:\n  # x\n\n",
		"name: \"a\\\n  b\"\n", "name: é\n", "name: a\r\n\r\n# x\r\n", "# \u2028 x\n", "name: \"\u2028\"\n", "sms:\n  gateways:\n  - {}\n\n  -\n   name: x\n",
	} {
		_, err := Parse([]byte(before+"xyzzy: 1\n"), "s.yaml", nil)
		want := strings.Count(before, "\n") + 1
		for _, fault := range err.(*Faults).List {
			if fault.Key == "xyzzy" && fault.Line != want {
				t.Errorf("after %q: line %d, not %d", before, fault.Line, want)
			}
		}
		if !strings.Contains(err.Error(), "xyzzy") {
			t.Errorf("after %q: %v", before, err)
		}
	}
}
