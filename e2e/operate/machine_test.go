package operate

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// machine is a bare Debian: the /usr of this one, read-only, and the rest its own
// and in memory. The sources lie in /src, read-only too.
type machine struct {
	t     *testing.T
	root  string
	group string // its folder in the tree of cgroups
	init  int    // the process of its systemd
}

var machines atomic.Int32

// patience is how long a test waits for something that must come.
const patience = 30 * time.Second

// newMachine makes a machine that is not switched on.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, root: filepath.Join(memory, fmt.Sprint("machine-", machines.Add(1)))}
	m.must(os.Mkdir(m.root, 0o755))
	m.must(syscall.Mount("machine", m.root, "tmpfs", 0, "mode=0755"))
	for _, name := range []string{"etc/systemd/system", "var/lib", "var/log", "run", "root", "home", "proc", "sys", "dev", "usr", "src", "packages", "certificate", "srv", "opt", "mnt"} {
		m.must(os.MkdirAll(m.at(name), 0o755))
	}
	for _, name := range []string{"tmp", "var/tmp"} {
		m.must(os.MkdirAll(m.at(name), 0o755))
		m.must(os.Chmod(m.at(name), 0o777|os.ModeSticky))
	}
	m.must(os.Symlink("/run", m.at("var/run")))
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		m.must(os.Symlink("usr/"+name, m.at(name)))
	}
	m.configure()
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		m.write("dev/"+name, "")
		m.must(bind("/dev/"+name, m.at("dev", name), false))
	}
	sources, err := filepath.Abs(source)
	m.must(err)
	m.must(bind("/usr", m.at("usr"), true))
	m.must(bind(sources, m.at("src"), true))
	m.must(bind("/var/lib/dpkg", m.at("packages"), true))
	for name, writable := range map[string]bool{"GOROOT": false, "GOMODCACHE": false, "GOCACHE": true} {
		folder := m.goes(name)
		if strings.HasPrefix(folder, "/usr/") {
			continue
		}
		m.must(os.MkdirAll(m.at(folder), 0o755))
		m.must(bind(folder, m.at(folder), !writable))
	}
	for _, name := range []string{"usr/local/bin", "usr/local/sbin"} {
		m.must(syscall.Mount("local", m.at(name), "tmpfs", 0, "mode=0755"))
	}
	for _, name := range []string{"apt-get", "certbot"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		m.must(err)
		m.must(os.WriteFile(m.at("usr/local/sbin", name), text, 0o755))
	}
	return m
}

// configure copies what a bare Debian has in /etc, without a trace of a portal
// that may run here.
func (m *machine) configure() {
	m.t.Helper()
	for _, name := range []string{"passwd", "group", "shadow", "gshadow", "login.defs", "pam.d", "security", "nsswitch.conf", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
		"ssl", "alternatives", "debian_version", "os-release", "nginx", "caddy", "localtime", "mime.types", "default"} {
		if _, err := os.Lstat("/etc/" + name); err == nil {
			m.output("cp", "-a", "/etc/"+name, m.at("etc"))
		}
	}
	for _, name := range []string{"passwd", "group", "shadow", "gshadow"} {
		text, err := os.ReadFile(m.at("etc", name))
		m.must(err)
		var lines []string
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "sallyport:") {
				lines = append(lines, line)
			}
		}
		m.must(os.WriteFile(m.at("etc", name), []byte(strings.Join(lines, "")), 0))
	}
	sites, _ := filepath.Glob(m.at("etc/nginx/sites-enabled/*"))
	for _, site := range sites {
		if filepath.Base(site) != "default" {
			m.must(os.Remove(site))
		}
	}
	m.write("etc/hostname", "machine\n")
	m.write("etc/hosts", "127.0.0.1 localhost machine "+host+"\n")
	m.write("etc/machine-id", strings.Repeat("5", 32)+"\n")
}

// boot switches the machine on: systemd, its journal, and nothing else.
func (m *machine) boot() {
	m.t.Helper()
	m.units()
	for _, name := range []string{"shm", "pts"} {
		m.must(os.Mkdir(m.at("dev", name), 0o755))
	}
	m.must(os.Symlink("/proc/self/fd", m.at("dev/fd")))
	m.must(syscall.Mount("sysfs", m.at("sys"), "sysfs", syscall.MS_RDONLY, ""))
	m.must(syscall.Mount("run", m.at("run"), "tmpfs", 0, "mode=0755"))
	m.enroll()
	// /proc/sys is the kernel's, which all machines share.
	begin := `echo $$ >"$1/cgroup.procs"
exec unshare --cgroup --pid --ipc --uts --mount --fork --kill-child sh -euc '
	mount -t proc proc "$1/proc"
	mount --bind "$1/proc/sys" "$1/proc/sys"
	mount -o remount,bind,ro "$1/proc/sys"
	mount -t cgroup2 cgroup "$1/sys/fs/cgroup"
	hostname machine
	cd "$1"
	pivot_root . mnt
	umount -l mnt
	exec env -i container=test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --show-status=no
' sh "$2"`
	c := exec.Command("sh", "-euc", begin, "sh", m.group, m.root)
	c.Stdout, c.Stderr, c.SysProcAttr = os.Stdout, os.Stderr, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m.must(c.Start())
	m.t.Cleanup(func() { m.off(c) })
	m.until("systemd runs", func() bool {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", c.Process.Pid))
		m.init, _ = strconv.Atoi(strings.TrimSpace(string(children)))
		if m.init == 0 {
			return false
		}
		out, _ := m.in("systemctl is-system-running").Output()
		return strings.TrimSpace(string(out)) == "running"
	})
}

// units are what runs from the start: of all that Debian starts the journal
// alone, since the rest is about the hardware and the kernel.
func (m *machine) units() {
	m.t.Helper()
	m.write("etc/systemd/journald.conf", "[Journal]\nReadKMsg=no\n")
	m.write("etc/systemd/system/default.target", "[Unit]\nRequires=basic.target\nAfter=basic.target\n")
	for _, target := range []string{"sysinit.target.wants", "local-fs.target.wants", "sockets.target.wants", "timers.target.wants", "basic.target.wants"} {
		wanted, _ := filepath.Glob("/usr/lib/systemd/system/" + target + "/*")
		for _, unit := range wanted {
			if name := filepath.Base(unit); !strings.HasPrefix(name, "systemd-journald") {
				_ = os.Symlink("/dev/null", m.at("etc/systemd/system", name)) // some are wanted twice
			}
		}
	}
}

// enroll makes a cgroup for the machine, below that of the tests.
func (m *machine) enroll() {
	m.t.Helper()
	tree := filepath.Join(memory, "cgroups")
	if _, err := os.Stat(tree); err != nil {
		m.must(os.Mkdir(tree, 0o755))
		m.must(syscall.Mount("cgroup", tree, "cgroup2", 0, ""))
	}
	text, err := os.ReadFile("/proc/self/cgroup")
	m.must(err)
	_, own, ok := strings.Cut("\n"+string(text), "\n0::")
	if !ok {
		m.t.Fatal("there is no unified tree of cgroups (hint: boot with systemd.unified_cgroup_hierarchy=1)")
	}
	own, _, _ = strings.Cut(own, "\n")
	m.group = filepath.Join(tree, own, fmt.Sprintf("sallyport-operate-%d-%d", os.Getpid(), machines.Load()))
	m.must(os.Mkdir(m.group, 0o755))
}

// off switches the machine off, as pulling the plug does, and looks that nothing
// of it is left.
func (m *machine) off(c *exec.Cmd) {
	if m.t.Failed() && m.init != 0 {
		out, _ := m.in("journalctl --no-pager -o short-precise | tail -n 100").CombinedOutput()
		m.t.Logf("the journal of the machine:\n%s", out)
	}
	_ = c.Process.Kill() // and with it, by --kill-child, all of the machine
	_ = c.Wait()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		folders := []string{}
		_ = filepath.WalkDir(m.group, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				folders = append(folders, path)
			}
			return nil
		})
		for i := len(folders) - 1; i >= 0; i-- {
			_ = os.Remove(folders[i])
		}
		if len(folders) == 0 {
			return
		}
	}
	m.t.Errorf("something of the machine runs on in %s", m.group)
}

// in is a script of the machine's root shell, in the folder of the sources.
func (m *machine) in(script string) *exec.Cmd {
	c := exec.Command("nsenter", "--target", strconv.Itoa(m.init), "--all", "--root", "bash", "-euo", "pipefail", "-c", "cd /src\n"+script)
	c.Env = m.environment()
	return c
}

func (m *machine) environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:" + m.goes("GOROOT") + "/bin", "HOME=/root", "LANG=C.UTF-8", "SYSTEMD_COLORS=0",
		"GOMODCACHE=" + m.goes("GOMODCACHE"), "GOCACHE=" + m.goes("GOCACHE"), "GOFLAGS=-buildvcs=false -mod=readonly", "GOTOOLCHAIN=local", "GOPROXY=off"}
}

// run runs a script that must succeed, and returns what it prints.
func (m *machine) run(script string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer cancel()
	c := m.in(script)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	m.must(c.Start())
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	defer stop()
	if err := c.Wait(); err != nil {
		m.t.Fatalf("%v\n%s\nfails:\n%s", err, script, out.String())
	}
	return out.String()
}

// paste runs the blocks of a page one after the other, in one shell.
func (m *machine) paste(page string) string {
	m.t.Helper()
	list := blocks(page, "sh")
	if len(list) == 0 {
		m.t.Fatal("the page has no block to paste")
	}
	return m.run(strings.Join(list, "\n"))
}

func (m *machine) at(names ...string) string {
	return filepath.Join(append([]string{m.root}, names...)...)
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	m.must(os.WriteFile(m.at(name), []byte(text), 0o644))
}

// goes is where Go has something.
func (m *machine) goes(name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.output("go", "env", name))
}

func (m *machine) output(name string, args ...string) string {
	m.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// until waits until something is so.
func (m *machine) until(what string, so func() bool) {
	m.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if so() {
			return
		}
	}
	m.t.Fatalf("%s: not within %s", what, patience)
}
