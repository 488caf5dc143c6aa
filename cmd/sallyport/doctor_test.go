package main

import "testing"

func TestTheDoctorKnowsGoReleasesWithTheFaultOfHTTP2(t *testing.T) {
	for version, faulty := range map[string]bool{
		"go1.25.14": true, "go1.26": true, "go1.26.9": true, "go1.26.10": false, "go1.26.11": false, "go1.27": false, "go1.27rc1": false,
		"devel go1.28-0a1b2c3 Mon": false,
	} {
		if got := old(version); got != faulty {
			t.Errorf("%s: %v", version, got)
		}
	}
}
