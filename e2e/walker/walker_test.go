package walker

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	steps  = flag.Int("steps", 5000, "how many steps to walk, all walks together")
	seed   = flag.Uint64("seed", 1, "the seed of the first walk; the others have the next ones")
	each   = flag.Int("each", 500, "how many steps a walk has, on a portal of its own")
	policy = flag.String("policy", "", "the policy of all walks, by its name; without it they take turns")
	fewer  = flag.Duration("shrink", 4*time.Minute, "how long to look for fewer steps that show the same")
	light  = flag.Bool("light", false, "hashes that cost nothing, which are half of the time of a walk otherwise")
)

var program string

func TestMain(m *testing.M) {
	flag.Parse()
	folder, err := os.MkdirTemp("", "sallyport-walker-")
	if err != nil {
		panic(err)
	}
	if program = os.Getenv("WALKER_PROGRAM"); program == "" {
		program = filepath.Join(folder, "sallyport")
		build := exec.Command("go", "build", "-tags", "testclock", "-overlay", overlay(folder), "-o", program, "./cmd/sallyport")
		build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			os.Exit(1)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(folder) // a temporary folder
	os.Exit(code)
}

// lighter is what -light puts for what: hashes that say their costs and do not have them,
// and no collection after each, which is four fifths of what they cost then.
var lighter = [][3]string{
	{"hash.go", "p.Time, p.MemoryKiB, p.Threads, size)", "1, 8, 1, size)"},
	{"queue.go", "Collect:  runtime.GC,", "Collect:  func() { _ = runtime.GC },"},
	{"queue.go", "giveBack: debug.FreeOSMemory,", "giveBack: func() { _ = debug.FreeOSMemory },"},
}

// overlay is what the program is built with instead of its own files.
func overlay(folder string) string {
	texts, replaced := map[string]string{}, map[string]string{}
	for _, l := range lighter {
		if !*light {
			break
		}
		file := must2(filepath.Abs(filepath.Join("..", "..", "core", "person", l[0])))
		if texts[file] == "" {
			texts[file] = string(must2(os.ReadFile(file)))
		}
		if strings.Count(texts[file], l[1]) != 1 {
			panic("-light does not fit " + file)
		}
		texts[file] = strings.Replace(texts[file], l[1], l[2], 1)
	}
	for file, text := range texts {
		replaced[file] = filepath.Join(folder, filepath.Base(file))
		must(os.WriteFile(replaced[file], []byte(text), 0o600))
	}
	name := filepath.Join(folder, "overlay.json")
	must(os.WriteFile(name, must2(json.Marshal(map[string]any{"Replace": replaced})), 0o600))
	return name
}

// TestNothingOpensThatMayNot walks: see the package.
func TestNothingOpensThatMayNot(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	done, seen, began := 0, map[string]int{}, time.Now()
	if testing.Short() {
		*steps = min(*steps, 500)
	}
	t.Run("walks", func(t *testing.T) {
		for i := range (*steps + *each - 1) / *each {
			k := Walk{Program: program, Seed: *seed + uint64(i), Steps: *each, Shrink: *fewer}
			k.Policy = Policies[(k.Seed-1)%uint64(len(Policies))]
			for _, p := range Policies {
				if p.Name == *policy {
					k.Policy = p
				}
			}
			t.Run(fmt.Sprintf("%d %s", k.Seed, k.Policy.Name), func(t *testing.T) {
				t.Parallel()
				res, err := k.Go()
				if err != nil {
					t.Fatal(err)
				}
				if res.Found != nil {
					t.Error(res.Found)
				}
				mu.Lock()
				defer mu.Unlock()
				done += res.Steps
				for what, n := range res.Seen {
					seen[what] += n
				}
			})
		}
	})
	t.Logf("%d steps in %s; how often they came where: %v", done, time.Since(began).Round(time.Second), seen)
	if done < 5000 || t.Failed() {
		return
	}
	for _, what := range everything {
		if seen[what] == 0 {
			t.Errorf("the walks never came to: %s", what)
		}
	}
}

// everything is where walks of five thousand steps must come to; else they show little.
var everything = []string{
	"page sign-in", "page two-factor-prompt", "page setup-app", "page setup-phone", "page setup-phone-code", "page setup-scan", "page setup-app-code", "page setup-finish",
	"page app-code", "page other-way", "page text-code", "page recovery-code", "page replace", "page recovery-wait", "page setup-code", "page wait", "page security",
	"page confirm", "page invitation", "page password", "page forgot", "page not-me", "page held", "page signed-in", "page signed-out", "page error",
	"page app", "entered an app",
	"opened by /sign-in", "opened by /2fa", "opened by /2fa/setup/code", "opened by /2fa/not-now", "opened by /confirm",
}
