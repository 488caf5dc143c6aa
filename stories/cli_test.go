package stories_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestInit(t *testing.T) {
	t.Parallel()
	p := &portal{t: t, dir: t.TempDir()}
	a := p.run(p.dir, nil, "", "init", "--url", "https://login.example.org")
	if a.code != 0 || !strings.Contains(a.out, "no SMS gateway is set yet") {
		t.Fatalf("init: %d\n%s%s", a.code, a.out, a.err)
	}
	for name, mode := range map[string]os.FileMode{"sallyport.yaml": 0o640, "sallyport.key": 0o600} {
		info, err := os.Stat(filepath.Join(p.dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	before, _ := os.ReadFile(filepath.Join(p.dir, "sallyport.key"))
	if a := p.run(p.dir, nil, "", "init"); a.code != 1 || !strings.Contains(a.err, "is there already") || !strings.Contains(a.err, "\nhint: ") {
		t.Errorf("init again: %d %s", a.code, a.err)
	}
	os.Remove(filepath.Join(p.dir, "sallyport.yaml"))
	if a := p.run(p.dir, nil, "", "init"); a.code != 1 {
		t.Errorf("init over a key file: %d %s", a.code, a.err)
	}
	if after, _ := os.ReadFile(filepath.Join(p.dir, "sallyport.key")); string(after) != string(before) {
		t.Error("the key file was written over")
	}
	if a := p.run(t.TempDir(), nil, "", "init", "--url", "http://login.example.org"); a.code != 2 || !strings.Contains(a.err, "hint: ") {
		t.Errorf("init with http for others: %d %s", a.code, a.err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	p := install(t)
	for _, row := range []struct {
		name string
		code int
		in   string
		args []string
		has  []string
	}{
		{"no command", 2, "", nil, []string{"hint: "}},
		{"an unknown command", 2, "", []string{"frobnicate"}, []string{"hint: "}},
		{"an unknown flag", 2, "", []string{"serve", "--frob"}, []string{"hint: "}},
		{"help", 0, "", []string{"--help"}, []string{"person"}},
		{"version", 0, "", []string{"--version"}, []string{"sallyport"}},
		{"no settings file", 1, "", []string{"person", "list", "--config", "nowhere.yaml"}, []string{"hint: "}},
		{"add", 0, "", []string{"person", "add", "ada", "--display", "Ada Lovelace", "--group", "staff", "--group", "math"}, []string{"invitation for ada, works once until ", p.url + "/invitation/"}},
		{"add again", 1, "", []string{"person", "add", "ADA"}, []string{"somebody has that name already", "hint: "}},
		{"add with a password", 0, password + "\n", []string{"person", "add", "grace", "--operator", "--password-stdin", "--email", "grace@example.org"}, []string{"added grace"}},
		{"add with a short password", 1, "short\n", []string{"person", "add", "eve", "--password-stdin"}, []string{"8 characters or more", "hint: "}},
		{"add without a password on stdin", 2, "", []string{"person", "add", "eve", "--password-stdin"}, []string{"hint: "}},
		{"add a name that is none", 1, "", []string{"person", "add", "a b:c"}, []string{"hint: "}},
		{"add with a mail address that is none", 1, "", []string{"person", "add", "eve", "--email", "nonsense"}, []string{"hint: "}},
		{"list", 0, "", []string{"person", "list"}, []string{"ada", "invited", "grace", "off"}},
		{"show", 0, "", []string{"person", "show", "ada"}, []string{"Ada Lovelace", "staff"}},
		{"show nobody", 1, "", []string{"person", "show", "nobody"}, []string{"there is nobody of that name", "hint: "}},
		{"set nothing", 2, "", []string{"person", "set", "ada"}, []string{"nothing to set", "hint: "}},
		{"set", 0, "", []string{"person", "set", "ada", "--display", "Ada King", "--email", "ada@example.org", "--operator"}, []string{"changed ada"}},
		{"show what was set", 0, "", []string{"person", "show", "ada"}, []string{"Ada King", "ada@example.org"}},
		{"invite", 0, "", []string{"person", "invite", "ada"}, []string{"/invitation/"}},
		{"disable", 0, "", []string{"person", "disable", "ada"}, []string{"turned ada off"}},
		{"list off", 0, "", []string{"person", "list"}, []string{"turned off"}},
		{"enable", 0, "", []string{"person", "enable", "ada"}, []string{"turned ada on"}},
		{"sign-out", 0, "", []string{"person", "sign-out", "ada"}, []string{"signed ada out everywhere"}},
		{"reset without a check", 1, "", []string{"person", "reset-2fa", "grace"}, []string{"how you checked", "hint: "}},
		{"reset with another check", 1, "", []string{"person", "reset-2fa", "grace", "--checked", "magic", "--note", "x"}, []string{"hint: "}},
		{"reset without a note", 1, "", []string{"person", "reset-2fa", "grace", "--checked", "video"}, []string{"note", "hint: "}},
		{"reset", 0, "", []string{"person", "reset-2fa", "grace", "--checked", "video", "--note", "showed her face"}, []string{"setup code for grace, works once until ", "never by mail"}},
		{"release nobody on hold", 1, "", []string{"person", "release", "grace", "--checked", "video", "--note", "x"}, []string{"the account is not on hold", "hint: "}},
		{"doctor", 0, "", []string{"doctor"}, []string{"the settings file has no faults", "the database and its keys open"}},
	} {
		a := p.run(p.dir, nil, row.in, row.args...)
		if a.code != row.code {
			t.Errorf("%s: exit %d, not %d\n%s%s", row.name, a.code, row.code, a.out, a.err)
		}
		for _, has := range row.has {
			if !strings.Contains(a.out+a.err, has) {
				t.Errorf("%s: without %q\n%s%s", row.name, has, a.out, a.err)
			}
		}
		if a.code != 0 && a.out != "" && row.name != "no command" {
			t.Errorf("%s: a fault on standard output: %s", row.name, a.out)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	p := install(t)
	object := func(args ...string) (v map[string]any) {
		t.Helper()
		out := p.cli(append(args, "--json")...)
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		return v
	}
	if v := object("person", "add", "ada"); v["name"] != "ada" || !strings.HasPrefix(v["invitation"].(string), p.url+"/invitation/") || v["until"] == nil {
		t.Errorf("add: %v", v)
	}
	if v := object("person", "show", "ada"); v["name"] != "ada" || v["account"] != "invited" || v["two_factor"] != "off" {
		t.Errorf("show: %v", v)
	}
	if v := object("person", "reset-2fa", "ada", "--checked", "other", "--note", "x"); !regexp.MustCompile(`^[0-9A-Z]{4}-[0-9A-Z]{4}$`).MatchString(v["setup_code"].(string)) {
		t.Errorf("reset: %v", v)
	}
	p.add("grace")
	lines := strings.Split(strings.TrimSpace(p.cli("person", "list", "--json")), "\n")
	var list []map[string]any
	for _, line := range lines {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err == nil {
			list = append(list, v)
		} else if err := json.Unmarshal([]byte(line), &list); err != nil {
			t.Errorf("list: %v\n%s", err, line)
		}
	}
	if len(list) != 2 {
		t.Errorf("list: %v", list)
	}
	for _, line := range strings.Split(strings.TrimSpace(p.cli("doctor", "--json")), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("doctor: %s", line)
		}
	}
}

func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	p := install(t)
	p.write("sallyport.yaml", "url: ftp://x\nnonsense: 1\npolicy:\n  grace_days: 900\n")
	a := p.run(p.dir, nil, "", "serve")
	if a.code == 0 || !strings.Contains(a.err, "sallyport.yaml:1") || !strings.Contains(a.err, "sallyport.yaml:2") || !strings.Contains(a.err, "sallyport.yaml:4") {
		t.Errorf("all faults with their lines: %d\n%s", a.code, a.err)
	}
	p = install(t)
	if a := p.run(p.dir, []string{"SALLYPORT_NONSENSE=1"}, "", "doctor"); a.code == 0 || !strings.Contains(a.err, "SALLYPORT_NONSENSE") {
		t.Errorf("an unknown variable: %d %s", a.code, a.err)
	}
	taken := open(t)
	if a := taken.run(taken.dir, nil, "", "serve"); a.code != 1 || !strings.Contains(a.err, "hint: ") {
		t.Errorf("a port that another has: %d %s", a.code, a.err)
	}
	taken.browser().get("/sign-in").is(want{page: "sign-in"})
}

func TestDemo(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	cmd := exec.Command(program, "demo", "--port", "0")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.Dir = t.TempDir()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := make(chan string, 1000)
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			lines <- scan.Text()
		}
		close(lines)
	}()
	var said strings.Builder
	until := func(has string) {
		t.Helper()
		deadline := time.After(15 * time.Second)
		for {
			select {
			case line := <-lines:
				said.WriteString(line + "\n")
				if strings.Contains(line, has) {
					return
				}
			case <-deadline:
				t.Fatalf("the demo never said %q:\n%s", has, said.String())
			}
		}
	}
	until("is ready on")
	t.Logf("ready after %v", time.Since(begun))
	find := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(said.String())
		if m == nil {
			t.Fatalf("no %s in\n%s", pattern, said.String())
		}
		return m[1]
	}
	address, word, outbox := find(`address\s+(\S+)`), find(`ada, password (\S{20})\n`), find(`(/demo/outbox/\S+)`)
	find(`grace, password (\S{20})\n`)
	p := &portal{t: t, url: address, dir: tmp, read: map[string]int{}}
	b := p.browser()
	b.enter("ada", word).is(want{page: "two-factor-prompt"})
	b.click("Configure 2FA")
	b.do("Continue")
	b.do("Send SMS", "phone", number).is(want{page: "setup-phone-code"})
	until("text message to " + e164)
	until("code")
	code := find(`(?m)^\s+(\d{6}) is your`)
	box := b.tab()
	box.get(outbox).is(want{page: "demo-outbox", texts: []string{code}})
	box.click("Check for new messages").is(want{page: "demo-outbox", texts: []string{code}})
	if got := box.ask("/demo/outbox"); got.status != 404 {
		t.Errorf("an outbox that can be guessed: %d", got.status)
	}
	b.do("Verify", "code", code).is(want{page: "setup-scan"})
	b.app = b.scan()
	b.do("Continue")
	b.do("Verify", "code", b.app.code()).is(want{page: "setup-finish"})
	if entries, _ := os.ReadDir(tmp); len(entries) != 1 {
		t.Errorf("%d folders", len(entries))
	}
	cmd.Process.Signal(syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Ctrl-C: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Ctrl-C did not end the demo")
	}
	if entries, _ := os.ReadDir(tmp); len(entries) != 0 {
		t.Errorf("the demo left %v", entries)
	}
	if entries, _ := os.ReadDir(cmd.Dir); len(entries) != 0 {
		t.Errorf("the demo left %v", entries)
	}
	io.Copy(io.Discard, out)
}
