package config

import "time"

// Default returns the settings before a file or the environment has spoken.
// Only url is still missing.
func Default() Config {
	return Config{
		Name:           "Sallyport",
		Listen:         "127.0.0.1:8080",
		Data:           "./data",
		KeyFile:        "./sallyport.key",
		SMS:            SMS{BudgetDay: 20},
		DefaultCountry: "US",
		Policy: Policy{
			Require:                Required,
			Enrol:                  EnrolPassword,
			Phone:                  Required,
			RecoveryText:           true,
			RecoveryDelayOperators: 24 * time.Hour,
			ResetCode:              true,
			SessionIdle:            60 * time.Minute,
			SessionLength:          12 * time.Hour,
		},
		Hashing: Hashing{Memory: 65536, Time: 3, Threads: 4},
		Log:     Log{Format: "text", Level: "info"},
		Brand:   Brand{TimeZone: "UTC", StoreLinks: true, NetworkChargeNote: true},
	}
}
