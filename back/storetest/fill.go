package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

// filler fills every exported field of a struct, and of the structs within, with
// a value that no other field has: a column that is forgotten, or that changed
// places with another, cannot come back equal.
type filler struct{ n int64 }

var timeType = reflect.TypeFor[time.Time]()

// filled is a T of which no field is empty.
func filled[T any](f *filler) (v T) {
	f.fill(reflect.ValueOf(&v).Elem(), reflect.TypeFor[T]().Name())
	return v
}

func (f *filler) fill(v reflect.Value, name string) {
	f.n++
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(now.Add(time.Duration(f.n) * 1234567 * time.Millisecond)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s <%d> é\u202e𝟛", name, f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1 + f.n%120)
	case reflect.Uint8:
		v.SetUint(uint64(1 + f.n%250))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			f.fill(v.Index(i), name)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				f.fill(v.Field(i), field.Name)
			}
		}
	default:
		panic(fmt.Sprintf("storetest: no way to fill %s, a %s", name, v.Type()))
	}
}

// kept is what has to come back when after was saved over before: everything of
// after but the fields that no saving changes, with the next version.
func kept[T any](before, after T, fixed ...string) T {
	old, v := reflect.ValueOf(before), reflect.ValueOf(&after).Elem()
	for _, name := range fixed {
		v.FieldByName(name).Set(old.FieldByName(name))
	}
	if version := v.FieldByName("Version"); version.IsValid() {
		version.SetInt(old.FieldByName("Version").Int() + 1)
	}
	return after
}

// full fails where a field is empty that no row of except names: then the test
// would not see whether its column is there.
func full(t *testing.T, v any, except ...string) {
	t.Helper()
	s := reflect.ValueOf(v)
	for i := range s.NumField() {
		field := s.Type().Field(i)
		if field.IsExported() && field.Type.Size() > 0 && s.Field(i).IsZero() && !slices.Contains(except, field.Name) {
			t.Errorf("%s.%s is empty", s.Type(), field.Name)
		}
	}
}

// same compares what was stored with what came back, field by field.
func same[T any](t *testing.T, want T, got *T) {
	t.Helper()
	if got == nil {
		t.Errorf("%T is not there", want)
		return
	}
	a, b := reflect.ValueOf(want), reflect.ValueOf(*got)
	if a.Kind() != reflect.Struct {
		if !reflect.DeepEqual(want, *got) {
			t.Errorf("%T came back as %v, want %v", want, *got, want)
		}
		return
	}
	for i := range a.NumField() {
		if field := a.Type().Field(i); field.IsExported() && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			t.Errorf("%s.%s came back as %+v, want %+v", a.Type(), field.Name, b.Field(i), a.Field(i))
		}
	}
}
