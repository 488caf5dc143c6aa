package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheEnvironmentCountsMoreThanTheFileAndTheFileMoreThanTheDefault(t *testing.T) {
	rows := []struct {
		name, file string
		environ    []string
		want       int
		declared   bool
	}{
		{"default", "", nil, 0, false},
		{"file", "policy: {grace_days: 7}\n", nil, 7, true},
		{"environment", "policy: {grace_days: 7}\n", []string{"SALLYPORT_POLICY_GRACE_DAYS=14"}, 14, true},
		{"environment alone", "", []string{"PATH=/bin", "SALLYPORT_POLICY_GRACE_DAYS=14"}, 14, true},
		{"a file equal to the default is declared", "policy: {grace_days: 0}\n", nil, 0, true},
		{"the environment mends what is out of range", "policy: {grace_days: 700}\n", []string{"SALLYPORT_POLICY_GRACE_DAYS=14"}, 14, true},
	}
	for _, row := range rows {
		c, err := Parse([]byte(base+row.file), "s.yaml", row.environ)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if c.Policy.GraceDays != row.want || c.Declared("policy.grace_days") != row.declared {
			t.Errorf("%s: %d, declared %v", row.name, c.Policy.GraceDays, c.Declared("policy.grace_days"))
		}
	}
}

func TestEveryTypeIsReadFromTheEnvironment(t *testing.T) {
	c, err := Parse(nil, "s.yaml", []string{
		"SALLYPORT_URL=https://a.test", "SALLYPORT_NAME=Ada = Grace", "SALLYPORT_INSECURE=true", "SALLYPORT_HASHING_TIME=4",
		"SALLYPORT_POLICY_SESSION_IDLE=15m", "SALLYPORT_PROXIES=10.0.0.0/24, ::1", "SALLYPORT_SMS_COUNTRIES=US,NO",
		"SALLYPORT_DATABASE=postgres://u:hunter2@h/d", "SALLYPORT_BRAND_STORE_LINKS=false", "SALLYPORT_CLOCK=/x", "SALLY=1",
	}, "SALLYPORT_CLOCK")
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Ada = Grace" || !c.Insecure || c.Hashing.Time != 4 || c.Policy.SessionIdle != 15*time.Minute ||
		!reflect.DeepEqual(c.Proxies, []string{"10.0.0.0/24", "::1"}) || !reflect.DeepEqual(c.Countries(), []string{"US", "NO"}) ||
		c.Database.Reveal() != "postgres://u:hunter2@h/d" || c.Brand.StoreLinks {
		t.Errorf("got %+v", c)
	}
}

func TestAListOfTheEnvironmentTakesThePlaceOfTheFiles(t *testing.T) {
	c, err := Parse([]byte(base+"proxies: [nonsense, 10.0.0.1]\nsms: {countries: [US]}\n"), "s.yaml",
		[]string{"SALLYPORT_PROXIES=10.0.0.2", "SALLYPORT_SMS_COUNTRIES="})
	if err != nil || len(c.Proxies) != 1 || c.SMS.Countries != nil {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestFaultsOfTheEnvironmentAreToldByTheirVariable(t *testing.T) {
	_, err := Parse([]byte("policy:\n  grace_days: x\n"), "s.yaml", []string{
		"SALLYPORT_URL=http://login.example.org", "SALLYPORT_POLICY_GRACE_DAYS=91", "SALLYPORT_POLICY_ENROL=none", "SALLYPORT_HASHING_TIME=three",
		"SALLYPORT_PROXIES=10.0.0.1,,10.0.0.2", "SALLYPORT_SMS_COUNTRIES=US,XX", "SALLYPORT_INSECURE=",
		"SALLYPORT_CLOCK=1", "SALLYPORT_SMS_GATEWAYS=x", "SALLYPORT_POLICY_GRACE_DAY=hunter2", "SALLYPORT_SERVICE_HOST=10.0.0.9", "SALLYPORT_PORT_8080_TCP=tcp://x",
		"SALLYPORT_", "SALLYPORT_=x",
	})
	want := []string{
		`s.yaml:2: policy.grace_days: "x" is not a whole number`,
		`SALLYPORT_: there is no such variable`,
		`SALLYPORT_CLOCK: there is no such variable`,
		`SALLYPORT_HASHING_TIME: hashing.time: "three" is not a whole number`,
		`SALLYPORT_INSECURE: insecure: "" is not true or false`,
		`SALLYPORT_POLICY_ENROL: policy.enrol: "none" is not password, invitation or code`,
		`SALLYPORT_POLICY_GRACE_DAY: there is no such variable (hint: did you mean SALLYPORT_POLICY_GRACE_DAYS?)`,
		`SALLYPORT_POLICY_GRACE_DAYS: policy.grace_days: 91 is not from 0 to 90`,
		`SALLYPORT_PORT_8080_TCP: there is no such variable (hint: Kubernetes sets it`,
		`SALLYPORT_PROXIES: proxies: has an empty item`,
		`SALLYPORT_SERVICE_HOST: there is no such variable (hint: Kubernetes sets it`,
		`SALLYPORT_SMS_COUNTRIES: sms.countries[1]: "XX" is not a country`,
		`SALLYPORT_SMS_GATEWAYS: sms.gateways can be given in the file only`,
		`SALLYPORT_URL: url: is http: passwords and codes would travel readable (hint: use https`,
	}
	got := strings.Split(fmt.Sprint(err), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d faults, not %d:\n%v", len(got), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("told:   %s\nwanted: %s", got[i], want[i])
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the value of an unknown variable is shown")
	}
}

func TestNamesOfFilesBeginAtTheFolderOfTheSettings(t *testing.T) {
	text := "url: http://localhost\nkey_file: keys/a\ndata: /var/lib/x\nbrand: {logo_light: l.svg}\n" +
		"sms:\n  gateways:\n    - {name: o, kind: outbox, path: out/box}\n"
	c, err := Parse([]byte(text), "/etc/sallyport/sallyport.yaml", []string{"SALLYPORT_BRAND_FAVICON=f.ico"})
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		c.KeyFile: "/etc/sallyport/keys/a", c.Data: "/var/lib/x", c.Brand.LogoLight: "/etc/sallyport/l.svg",
		c.Brand.Favicon: "/etc/sallyport/f.ico", c.SMS.Gateways[0].Path: "/etc/sallyport/out/box", c.Brand.LogoDark: "",
	} {
		if got != want {
			t.Errorf("%q is not %q", got, want)
		}
	}
}

func TestASecretMayStandInAFile(t *testing.T) {
	folder := t.TempDir()
	settings := filepath.Join(folder, "s.yaml")
	write(t, filepath.Join(folder, "db"), "postgres://u:hunter2@h/d\r\n")
	write(t, filepath.Join(folder, "other"), "postgres://u:hunter2@h/other\n")
	write(t, filepath.Join(folder, "empty"), "\n")
	write(t, filepath.Join(folder, "large"), strings.Repeat("x", maxSecret+1))
	write(t, filepath.Join(folder, "lines"), "hunter2\nhunter3\n")
	const plain = "postgres://u:hunter2@h/plain"
	rows := []struct {
		name, file string
		environ    []string
		want       string // the address, or what the fault holds
	}{
		{"in a file", "database_file: db\n", nil, "postgres://u:hunter2@h/d"},
		{"by the environment", "", []string{"SALLYPORT_DATABASE_FILE=db"}, "postgres://u:hunter2@h/d"},
		{"the environment's file over the file's address", "database: " + plain + "\n", []string{"SALLYPORT_DATABASE_FILE=db"}, "postgres://u:hunter2@h/d"},
		{"the environment's address over the file's file", "database_file: nowhere\n", []string{"SALLYPORT_DATABASE=" + plain}, plain},
		{"the environment's file over the file's file", "database_file: nowhere\n", []string{"SALLYPORT_DATABASE_FILE=other"}, "postgres://u:hunter2@h/other"},
		{"both in the file", "database: " + plain + "\ndatabase_file: db\n", nil, "s.yaml:3: database_file: is given beside database"},
		{"both in the environment", "", []string{"SALLYPORT_DATABASE=" + plain, "SALLYPORT_DATABASE_FILE=db"}, "SALLYPORT_DATABASE_FILE: database_file: is given beside database"},
		{"no such file", "database_file: nowhere\n", nil, "s.yaml:2: database_file: \"" + filepath.Join(folder, "nowhere") + "\" cannot be read: no such file"},
		{"a folder", "database_file: .\n", nil, "cannot be read: it is not a file"},
		{"a device", "database_file: /dev/zero\n", nil, "cannot be read: it is not a file"},
		{"an empty file", "database_file: empty\n", nil, "cannot be read: it is empty"},
		{"a large file", "database_file: large\n", nil, "cannot be read: it is larger than 64 KiB"},
		{"several lines", "database_file: lines\n", nil, "s.yaml:2: database_file: the file holds a line break"},
	}
	for _, row := range rows {
		write(t, settings, base+row.file)
		c, err := Load(settings, row.environ)
		if err != nil {
			if !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s: %v", row.name, err)
			}
			continue
		}
		if c.Database.Reveal() != row.want {
			t.Errorf("%s: got %q", row.name, c.Database.Reveal())
		}
	}
}

func TestASecretNeverShowsItself(t *testing.T) {
	c, err := Parse([]byte(base+"database: postgres://u:hunter2@h/d\n"), "s.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "config", c, "secret", c.Database)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "secret", c.Database)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %q %x %d", c, *c, *c, c.Database, c.Database, c.Database, c.Database)
	if strings.Contains(all, "hunter2") || strings.Contains(all, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(all, "[secret]") {
		t.Error(all)
	}
}

func TestAMissingFileNamesTheRemedy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.yaml")
	_, err := Load(path, []string{"SALLYPORT_URL=https://a.test"})
	var faults *Faults
	if !errors.As(err, &faults) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "hint: sallyport init") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(filepath.Dir(path), nil); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Load("/dev/zero", nil); err == nil || !strings.Contains(err.Error(), "larger than 256 KiB") {
		t.Errorf("a file without end: %v", err)
	}
}
