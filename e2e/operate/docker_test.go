package operate

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// image is what a Dockerfile makes, as the stand-in for docker finds it on its
// machine.
type image struct {
	Root        string
	User        int
	Folder      string
	Environment []string
	Entrypoint  []string
	Command     []string
}

const imageFile = "/image.json"

// container is a program in a root that holds what the image has, and volumes.
type container struct {
	image
	ReadOnly  bool
	Volumes   []string // from:to or from:to:ro
	Arguments []string
}

// docker stands in for a container engine, where there is none. All that it does
// with less than the real one is said: rights are dropped, and the network is that
// of the machine, whatever the flags say.
func docker(args []string) int {
	if err := engine(args); err != nil {
		fmt.Fprintln(os.Stderr, "docker:", err)
		return 1
	}
	return 0
}

func engine(args []string) error {
	if len(args) < 2 {
		return errors.New("docker what?")
	}
	var c container
	switch args[0] {
	case "build":
		return nil // the test has
	case "run":
		if err := restore(imageFile, &c.image); err != nil {
			return err
		}
		return c.run(args[1:])
	case "exec":
		if err := restore("/"+args[1]+".json", &c); err != nil {
			return err
		}
		c.Arguments = args[2:]
		return c.become()
	case "logs":
		text, err := os.ReadFile("/" + args[1] + ".log")
		fmt.Print(string(text))
		return err
	}
	return fmt.Errorf("docker %s: the stand-in cannot do that", args[0])
}

func restore(file string, to any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

func keep(file string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// run runs a container, at the end or beside.
func (c *container) run(args []string) error {
	name, beside := "", false
	for ; len(args) > 0 && strings.HasPrefix(args[0], "-"); args = args[1:] {
		switch args[0] {
		case "--rm":
		case "-d":
			beside = true
		case "--read-only":
			c.ReadOnly = true
		case "-v", "--name", "-p", "--cap-drop", "--security-opt", "--restart", "--stop-timeout":
			flag := args[0]
			if args = args[1:]; flag == "-v" {
				c.Volumes = append(c.Volumes, args[0])
			} else if flag == "--name" {
				name = args[0]
			}
		default:
			return fmt.Errorf("run: what is %s?", args[0])
		}
	}
	if len(args) == 0 || args[0] != "sallyport" {
		return fmt.Errorf("run: no image in %q", args)
	}
	if args = args[1:]; len(args) == 0 {
		args = c.Command
	}
	c.Arguments = append(c.Entrypoint, args...)
	if !beside {
		return c.become()
	}
	log, err := os.Create("/" + name + ".log")
	if err != nil {
		return err
	}
	if err := keep("/"+name+".json", c); err != nil {
		return err
	}
	self := exec.Command(os.Args[0], append([]string{"exec", name}, c.Arguments...)...)
	self.Stdout, self.Stderr, self.SysProcAttr = log, log, &syscall.SysProcAttr{Setsid: true}
	if err := self.Start(); err != nil {
		return err
	}
	return os.WriteFile("/"+name+".pid", []byte(strconv.Itoa(self.Process.Pid)), 0o600)
}

// become makes this process the program: nobody, without rights, and with nothing
// in sight but the image and its volumes.
func (c *container) become() error {
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := bind(c.Root, c.Root, c.ReadOnly); err != nil {
		return err
	}
	for _, volume := range c.Volumes {
		from, to, _ := strings.Cut(volume, ":")
		to, how, _ := strings.Cut(to, ":")
		if err := bind(from, filepath.Join(c.Root, to), how == "ro"); err != nil {
			return err
		}
	}
	if err := errors.Join(syscall.Chroot(c.Root), syscall.Chdir(c.Folder)); err != nil {
		return err
	}
	const dropBound, noNewPrivileges, capabilities = 24, 38, 41 // of prctl(2)
	for capability := range uintptr(capabilities) {
		syscall.RawSyscall(syscall.SYS_PRCTL, dropBound, capability, 0)
	}
	user := uintptr(c.User)
	for _, call := range [][3]uintptr{{syscall.SYS_PRCTL, noNewPrivileges, 1}, {syscall.SYS_SETGROUPS}, {syscall.SYS_SETGID, user}, {syscall.SYS_SETUID, user}} {
		if _, _, no := syscall.RawSyscall6(call[0], call[1], call[2], 0, 0, 0, 0); no != 0 {
			return no
		}
	}
	syscall.Umask(0) // what the program writes must be private by its own doing
	return syscall.Exec(c.Arguments[0], c.Arguments, c.Environment)
}

// bind shows a folder or file in another place too.
func bind(from, to string, readOnly bool) error {
	err := syscall.Mount(from, to, "", syscall.MS_BIND, "")
	if err == nil && readOnly {
		err = syscall.Mount("", to, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	}
	if err != nil {
		return fmt.Errorf("mount %s on %s: %w", from, to, err)
	}
	return nil
}
