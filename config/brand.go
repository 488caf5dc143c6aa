package config

// Brand is what a portal may change of its look and words. Colours of dangers,
// success and focus are not among it, so that contrast stays as promised.
type Brand struct {
	// AppName is the name of the portal in authenticator apps, at most 20
	// characters; without it, name.
	AppName string `yaml:"app_name"`
	// SMSName is the name of the portal in text messages, at most 20 plain
	// characters (GSM-7); without it, name.
	SMSName string `yaml:"sms_name"`
	// LogoLight names the logo for light pages: SVG or PNG, at most 64 KB,
	// shown 40 pixels high.
	LogoLight string `yaml:"logo_light" is:"file"`
	// LogoDark names the logo for dark pages; without it, the light one.
	LogoDark string `yaml:"logo_dark" is:"file"`
	// Favicon names the icon of the browser's tab: SVG, PNG or ICO.
	Favicon string `yaml:"favicon" is:"file"`
	// Accent is the colour of buttons and links as "#RRGGBB", in quotes;
	// without it, the portal's own green. Shades are made from it, and it is
	// made darker or lighter where it could not be read.
	Accent string `yaml:"accent"`
	// HelpText says whom to ask, on pages and in mails: "the service desk".
	HelpText string `yaml:"help_text"`
	// HelpURL is the page or mail address (mailto:) behind the help text.
	HelpURL string `yaml:"help_url"`
	// HelpPhone is the telephone number to call for help, as it is shown.
	HelpPhone string `yaml:"help_phone"`
	// SignInNote is a sentence on the sign-in page.
	SignInNote string `yaml:"sign_in_note"`
	// PrivacyURL is the address of your privacy notice.
	PrivacyURL string `yaml:"privacy_url"`
	// TermsURL is the address of your terms of use.
	TermsURL string `yaml:"terms_url"`
	// SMSSender is the sender of text messages as phones show it: up to 11
	// letters and digits, or a number. People read it, gateways send it.
	SMSSender string `yaml:"sms_sender"`
	// TimeZone is the zone of times in pages and messages, as Europe/London.
	TimeZone string `yaml:"time_zone"`
	// StoreLinks shows links to the app stores; turn it off on closed networks.
	StoreLinks bool `yaml:"store_links"`
	// NetworkChargeNote says beside the number that the network may charge.
	NetworkChargeNote bool `yaml:"network_charge_note"`
}
