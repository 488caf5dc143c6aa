package config

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// orchestrated are the variables that Kubernetes sets by itself for a service
// named sallyport.
var orchestrated = regexp.MustCompile(`^SALLYPORT(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_.+)?)$`)

// environment reads the variables of the portal, over what the file says.
func (r *reader) environment(environ, known []string) {
	given := map[string]string{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, prefix) {
			given[name] = value
		}
	}
	for _, name := range known {
		delete(given, name)
	}
	config := reflect.ValueOf(r.config).Elem()
	for _, k := range keys(config.Type()) {
		if text, ok := given[k.variable()]; ok && !k.inFileOnly() {
			delete(given, k.variable())
			r.variable(k, config.FieldByIndex(k.index), text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		r.unknownVariable(name)
	}
}

// variable reads one variable into its field.
func (r *reader) variable(k key, v reflect.Value, text string) {
	at := place{variable: k.variable()}
	if k.typ.Kind() != reflect.Slice {
		r.give(v, text, k.name, at)
		return
	}
	var items []string
	if text != "" {
		items = strings.Split(text, ",")
	}
	for i, item := range items {
		items[i] = strings.TrimSpace(item)
		problem, hint := setText(reflect.ValueOf(&items[i]).Elem(), items[i])
		if items[i] == "" {
			problem, hint = "has an empty item", "separate the items by single commas"
		}
		if problem != "" {
			r.fault(k.name, at, problem, hint)
			return
		}
	}
	ofFile := func(name string) bool { return strings.HasPrefix(name, k.name+"[") }
	maps.DeleteFunc(r.config.places, func(name string, _ place) bool { return ofFile(name) })
	maps.DeleteFunc(r.bad, func(name string, _ bool) bool { return ofFile(name) })
	v.Set(reflect.ValueOf(items))
	r.took(k.name, at)
}

func (r *reader) unknownVariable(name string) {
	at := place{variable: name}
	hint := ""
	for _, k := range keys(reflect.TypeFor[Config]()) {
		if k.variable() == name {
			r.fault("", at, k.name+" can be given in the file only", "")
			return
		}
		if distance(name, k.variable()) <= 2 {
			hint = "did you mean " + k.variable() + "?"
		}
	}
	if orchestrated.MatchString(name) {
		hint = "Kubernetes sets it; write enableServiceLinks: false in the pod, or give the service another name"
	}
	r.fault("", at, "there is no such variable", hint)
}
