package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// step is how long one step in the browser may take.
const step = 15 * time.Second

// chrome is the one Chromium of a run; every Browser is a profile of its own.
var chrome struct {
	sync.Mutex
	ctx    context.Context
	cancel func()
}

func openBrowser(t testing.TB) context.Context {
	t.Helper()
	path := Need(t, "chromium")
	chrome.Lock()
	defer chrome.Unlock()
	if chrome.ctx != nil {
		return chrome.ctx
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(filepath.Join(scratch, "profile")),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en"), chromedp.Flag("font-render-hinting", "none"))
	outer, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(outer)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		stop()
		t.Fatalf("start chromium: %v", err)
	}
	chrome.ctx, chrome.cancel = ctx, func() { cancel(); stop() }
	return ctx
}

func closeBrowser() {
	chrome.Lock()
	defer chrome.Unlock()
	if chrome.cancel != nil {
		chrome.cancel()
	}
}

// Tab is one tab of a browser, with a person before it who can see, click and
// type, and who counts.
type Tab struct {
	Activations, Entries int
	Downloads            string // the folder that downloads go to

	t    testing.TB
	ctx  context.Context
	base string

	mu       sync.Mutex
	requests []*Request
}

// Request is something that the browser asked for.
type Request struct {
	URL, Method string
	Status      int64
	Bytes       float64 // as transferred, with the header
	id          network.RequestID
	done        bool
}

// Look is how a page is shown.
type Look struct {
	Width, Height int64
	Dark, Phone   bool
}

// The looks of the tests.
var (
	Wide      = Look{Width: 1280, Height: 800}
	WideDark  = Look{Width: 1280, Height: 800, Dark: true}
	Phone     = Look{Width: 375, Height: 667, Phone: true}
	PhoneDark = Look{Width: 375, Height: 667, Phone: true, Dark: true}
	Small     = Look{Width: 320, Height: 568}
	SmallDark = Look{Width: 320, Height: 568, Dark: true}
)

// Open opens a new browser, with cookies of its own, at an address that others
// are relative to.
func Open(t testing.TB, base string) *Tab {
	t.Helper()
	return newTab(t, openBrowser(t), base, chromedp.WithNewBrowserContext())
}

// Another opens a second tab of the same browser.
func (b *Tab) Another() *Tab {
	b.t.Helper()
	return newTab(b.t, b.ctx, b.base)
}

func newTab(t testing.TB, parent context.Context, base string, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	b := &Tab{t: t, ctx: ctx, base: base, Downloads: t.TempDir()}
	t.Cleanup(func() { b.onFailure(); cancel() })
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	if err := chromedp.Listen(ctx, b.heard); err != nil {
		t.Fatal(err)
	}
	yes := true
	if _, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow,
		BrowserContextID: chromedp.FromContext(ctx).BrowserContextID, DownloadPath: b.Downloads, EventsEnabled: &yes}); err != nil {
		t.Fatal(err)
	}
	b.Look(Wide)
	return b
}

// onFailure says where a test stood when it failed.
func (b *Tab) onFailure() {
	if b.t.Failed() {
		b.t.Logf("the browser stands at %s\n%s", eval[string](b, `location.href + ' – ' + document.title`), eval[string](b, `document.body?.innerText ?? ''`))
	}
}

func (b *Tab) heard(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, &Request{URL: ev.Request.URL, Method: ev.Request.Method, id: ev.RequestID})
	case *network.EventResponseReceived:
		for _, r := range b.requests {
			if r.id == ev.RequestID {
				r.Status = ev.Response.Status
			}
		}
	case *network.EventLoadingFinished:
		for _, r := range b.requests {
			if r.id == ev.RequestID {
				r.Bytes, r.done = ev.EncodedDataLength, true
			}
		}
	case *network.EventLoadingFailed:
		for _, r := range b.requests {
			r.done = r.done || r.id == ev.RequestID
		}
	}
}

// Requests are what was asked for since the last call.
func (b *Tab) Requests() []*Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.requests
	b.requests = nil
	return all
}

// call runs one command of the protocol.
func call[P, R any](b *Tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, step)
	defer cancel()
	res, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return res
}

// Look changes the size of the window, the colours and the device.
func (b *Tab) Look(l Look) {
	b.t.Helper()
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.Width, Height: l.Height, DeviceScaleFactor: 1, Mobile: l.Phone})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	call(b, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "UTC"})
	agent := emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"}
	if l.Phone {
		agent.UserAgent = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"
		agent.UserAgentMetadata = &emulation.UserAgentMetadata{Platform: "Android", PlatformVersion: "15", Model: "Pixel 9", Mobile: true}
	}
	call(b, emulation.SetUserAgentOverride, agent)
}

// NoScripts turns scripts off, for pages opened from now on.
func (b *Tab) NoScripts() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// Before runs a script in each page, before its own.
func (b *Tab) Before(script string) {
	b.t.Helper()
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// Evaluate runs a script and gives its value, which may be a promise.
func Evaluate[T any](b *Tab, script string, within time.Duration) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => JSON.stringify(await (`+script+`)) ?? 'null')()`, chromedp.EvalAwaitPromise))
	var v T
	if err == nil {
		err = json.Unmarshal([]byte(raw), &v)
	}
	return v, err
}

// eval is Evaluate on a page that may be about to change: it tries until it can.
func eval[T any](b *Tab, script string) T {
	b.t.Helper()
	var v T
	var err error
	for end := time.Now().Add(step); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(b.ctx, step)
		var raw string
		raw, err = chromedp.Run(ctx, chromedp.Evaluate[string](`JSON.stringify(`+script+`) ?? 'null'`))
		cancel()
		if err != nil {
			if threw := (*chromedp.ExceptionError)(nil); errors.As(err, &threw) && !strings.Contains(err.Error(), "null") {
				break
			}
			continue
		}
		if err = json.Unmarshal([]byte(raw), &v); err == nil {
			return v
		}
		break
	}
	b.t.Fatalf("%s: %v", script, err)
	return v
}

// Eval runs a script and gives its value.
func Eval[T any](b *Tab, script string) T { b.t.Helper(); return eval[T](b, script) }

// Wait waits until a script says true.
func (b *Tab) Wait(what, script string) {
	b.t.Helper()
	for end := time.Now().Add(step); time.Now().Before(end); time.Sleep(15 * time.Millisecond) {
		if eval[bool](b, script) {
			return
		}
	}
	b.t.Fatalf("waited %s for %s", step, what)
}

const marked = "window.__old = true"

// leaving does something that leads to another page, and waits for it.
func (b *Tab) leaving(do func()) {
	b.t.Helper()
	eval[bool](b, marked)
	do()
	b.Wait("the next page", `!window.__old && document.readyState === 'complete' && location.href !== 'about:blank'`)
}

// Go opens an address; one that begins with / is the portal's.
func (b *Tab) Go(address string) {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	ctx, cancel := context.WithTimeout(b.ctx, step)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		b.t.Fatalf("open %s: %v", address, err)
	}
}

// Reload presses the browser's Reload; Back its Back.
func (b *Tab) Reload() {
	b.t.Helper()
	b.leaving(func() { call(b, page.Reload, page.ReloadParams{}) })
}

// Back goes one page back in the browser's history.
func (b *Tab) Back() {
	b.t.Helper()
	h := call(b, page.GetNavigationHistory, cdp.Empty{})
	if h.CurrentIndex == 0 {
		b.t.Fatal("there is no page to go back to")
	}
	b.leaving(func() {
		call(b, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: h.Entries[h.CurrentIndex-1].ID})
	})
	time.Sleep(150 * time.Millisecond) // the reload of a page out of the cache
	b.Wait("the page", `document.readyState === 'complete'`)
}

// find gives the middle of the one thing with a name that can be pressed.
const find = `((name) => {
  const flat = (s) => (s ?? '').replace(/\s+/g, ' ').trim();
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length;
  const words = (e) => flat(e.getAttribute('aria-label') ?? e.textContent);
  const fits = [...document.querySelectorAll('a[href], button, summary, label, input[type=submit]')].filter((e) => seen(e) && (words(e) === name || flat(e.innerText) === name));
  const best = fits.filter((e) => e.tagName !== 'LABEL');
  const all = best.length ? best : fits;
  if (all.length !== 1) return { error: all.length + ' things are called ' + name };
  const e = all[0];
  e.scrollIntoView({ block: 'center', behavior: 'instant' });
  const r = e.getClientRects()[0], x = r.left + r.width / 2, y = r.top + r.height / 2;
  const hit = document.elementFromPoint(x, y);
  if (!hit || !(e.contains(hit) || hit.contains(e))) return { error: name + ' is covered by ' + (hit && hit.outerHTML.slice(0, 80)) };
  return { x, y, error: '' };
})`

type place struct {
	X, Y  float64
	Error string
}

func (b *Tab) where(name string) place {
	b.t.Helper()
	q, _ := json.Marshal(name) // a string always can be
	p := eval[place](b, find+"("+string(q)+")")
	if p.Error != "" {
		b.t.Fatalf("%s, on %s", p.Error, b.Page())
	}
	return p
}

// Press clicks on something that keeps the page: a box, a Show, a Download.
func (b *Tab) Press(name string) {
	b.t.Helper()
	p := b.where(name)
	b.Activations++
	b.click(p, 1)
}

// Click clicks on a button or link that leads to another page.
func (b *Tab) Click(name string) {
	b.t.Helper()
	p := b.where(name)
	b.Activations++
	b.leaving(func() { b.click(p, 1) })
}

// DoubleClick clicks twice.
func (b *Tab) DoubleClick(name string) {
	b.t.Helper()
	p := b.where(name)
	b.leaving(func() { b.click(p, 2) })
}

func (b *Tab) click(p place, times int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, step)
	defer cancel()
	for n := range times {
		if err := chromedp.Do(ctx, chromedp.MouseClickXY(p.X, p.Y, chromedp.ClickCount(n+1))); err != nil {
			b.t.Fatal(err)
		}
	}
}

// Type clicks into a field, which may have the focus already, and types.
func (b *Tab) Type(field, text string) {
	b.t.Helper()
	p := eval[place](b, fmt.Sprintf(`(() => { const e = document.getElementById(%q); if (!e) return { error: 'no field' };
		e.scrollIntoView({ block: 'center' }); const r = e.getBoundingClientRect(); e.select?.(); return { x: r.left + 12, y: r.top + r.height / 2, error: '' } })()`, field))
	if p.Error != "" {
		b.t.Fatalf("there is no field %s on %s", field, b.Page())
	}
	if eval[string](b, `document.activeElement.id`) != field {
		b.click(p, 1)
	}
	eval[bool](b, fmt.Sprintf(`(document.getElementById(%q).select(), true)`, field))
	b.Entries++
	b.Keys(text)
}

// EnterKey presses Enter as a keyboard does: one key, whose letter belongs to
// what had the focus when it went down.
func (b *Tab) EnterKey() {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		key := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if kind == input.DispatchKeyEventTypeKeyDown {
			key.Text = "\r"
		}
		call(b, input.DispatchKeyEvent, key)
	}
}

// Keys presses keys where the focus is.
func (b *Tab) Keys(text string, options ...chromedp.KeyOption) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, step)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(text, options...)); err != nil {
		b.t.Fatal(err)
	}
}

// Enter presses Enter where the focus is, which leads to another page.
func (b *Tab) Enter() { b.t.Helper(); b.leaving(b.EnterKey) }

// Page is the name of the page.
func (b *Tab) Page() string {
	b.t.Helper()
	return eval[string](b, `document.querySelector('main')?.dataset.page ?? location.href`)
}

// Text is what stands in the page's main part.
func (b *Tab) Text() string {
	b.t.Helper()
	return eval[string](b, `(document.querySelector('main') ?? document.body).innerText.replace(/\s+/g, ' ')`)
}

// At fails unless the page has this name.
func (b *Tab) At(name string) {
	b.t.Helper()
	if got := b.Page(); got != name {
		b.t.Fatalf("the page is %s, want %s\n%s", got, name, b.Text())
	}
}

// Says fails unless the page has these words.
func (b *Tab) Says(words string) {
	b.t.Helper()
	if got := b.Text(); !strings.Contains(got, words) {
		b.t.Fatalf("%s does not say %q:\n%s", b.Page(), words, got)
	}
}

// Focus is the id of what has the focus, or its class or name.
func (b *Tab) Focus() string {
	b.t.Helper()
	return eval[string](b, `(() => { const e = document.activeElement; return e.id || e.className || e.textContent.trim() || e.tagName })()`)
}

// Screenshot is the whole page as a PNG. The picture of one element hangs in this
// version of chromedp, and the tests need none.
func (b *Tab) Screenshot() []byte {
	b.t.Helper()
	size := eval[struct{ W, H float64 }](b, `{ W: document.documentElement.clientWidth, H: document.documentElement.scrollHeight }`)
	beyond := true
	return call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: &beyond,
		Clip: &page.Viewport{Width: size.W, Height: size.H, Scale: 1}}).Data
}

// EmptyCache forgets what the browser has kept of pages, but no cookies.
func (b *Tab) EmptyCache() {
	b.t.Helper()
	call(b, network.ClearBrowserCache, cdp.Empty{})
}

// Settle waits until all that was asked for has come; Chromium does not always
// say how it went with the icon of the tab.
func (b *Tab) Settle() {
	b.t.Helper()
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		b.mu.Lock()
		open := 0
		for _, r := range b.requests {
			if !r.done {
				open++
			}
		}
		b.mu.Unlock()
		if open == 0 {
			return
		}
	}
}
