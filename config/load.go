package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Load reads the settings file at path and the environment, which is a list of
// NAME=value as os.Environ gives it. known names the variables beginning with
// SALLYPORT_ that are somebody else's business and pass. An error is *Faults.
func Load(path string, environ []string, known ...string) (*Config, error) {
	text, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Faults{File: path, cause: err, List: []Fault{{Problem: "there is no such settings file",
			Hint: "sallyport init writes one; --config FILE names another"}}}
	}
	if err != nil {
		f := Fault{Problem: "cannot be read: " + reason(err).Error()}
		if errors.Is(err, fs.ErrPermission) {
			f.Hint = "run the command as the user that runs the portal: sudo -u sallyport sallyport …"
		}
		return nil, &Faults{File: path, cause: err, List: []Fault{f}}
	}
	return Parse(text, path, environ, known...)
}

// readFile reads no more than shows that the file is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// Parse reads settings from the text of a file and from the environment. file
// is the name for the faults, and its folder is where relative names begin. The
// only files it opens are those that hold a secret. An error is *Faults.
func Parse(text []byte, file string, environ []string, known ...string) (*Config, error) {
	config := Default()
	config.places = map[string]place{}
	r := &reader{config: &config, bad: map[string]bool{}}

	root, faults := tree(text)
	r.faults = faults
	if len(faults) == 0 {
		r.file(root)
	}
	r.environment(environ, known)
	if len(faults) == 0 { // else the checks would miss what could not be read
		r.resolve(filepath.Dir(file))
		r.secrets()
		r.gatewaySecrets()
		r.appSecrets()
		r.check()
	}
	if len(r.faults) > 0 {
		sortFaults(r.faults)
		return nil, &Faults{File: file, List: r.faults}
	}
	config.URL = config.origin().String()
	return &config, nil
}

// resolve makes names of files relative to the folder of the settings file.
func (r *reader) resolve(folder string) {
	within := func(v reflect.Value) {
		if name := v.String(); name != "" && !filepath.IsAbs(name) {
			v.SetString(filepath.Join(folder, name))
		}
	}
	all := func(v reflect.Value) {
		for _, k := range keys(v.Type()) {
			if k.file {
				within(v.FieldByIndex(k.index))
			}
		}
	}
	all(reflect.ValueOf(r.config).Elem())
	for i := range r.config.Apps {
		all(reflect.ValueOf(&r.config.Apps[i]).Elem())
	}
	for i := range r.config.SMS.Gateways {
		all(reflect.ValueOf(&r.config.SMS.Gateways[i]).Elem())
		for j := range r.config.SMS.Gateways[i].Secrets {
			within(reflect.ValueOf(&r.config.SMS.Gateways[i].Secrets[j].File).Elem())
		}
	}
}

// secrets reads the secrets that stand in files of their own. Of a secret and
// its file the environment's counts; both at once are a fault.
func (r *reader) secrets() {
	config := reflect.ValueOf(r.config).Elem()
	all := keys(config.Type())
	for i, k := range all {
		if k.typ != reflect.TypeFor[Secret]() {
			continue
		}
		beside := all[i+1] // a test holds every secret to it
		plain, inFile := r.config.places[k.name], r.config.places[beside.name]
		name := config.FieldByIndex(beside.index)
		switch {
		case r.bad[beside.name] || name.String() == "":
			continue
		case !r.config.Declared(k.name):
		case plain.variable != "" && inFile.variable == "":
			name.SetString("")
			continue
		case (plain.variable == "") == (inFile.variable == ""):
			r.fault(beside.name, inFile, "is given beside "+k.name, "take one of the two out")
			continue
		}
		secret, err := readSecret(name.String())
		if err != nil {
			r.fault(beside.name, inFile, quote(name.String())+" cannot be read: "+err.Error(), unread(err, name.String()))
			continue
		}
		if problem, hint := set(config.FieldByIndex(k.index), strings.TrimSpace(secret.Reveal())); problem != "" {
			r.fault(beside.name, inFile, "the file "+problem, hint)
		}
	}
}
