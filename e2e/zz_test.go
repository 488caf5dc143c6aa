package e2e
import ("testing";"time";"sallyport/e2e/harness")
func TestProf(t *testing.T){
 p:=harness.StartAhead(t)
 b:=harness.Open(t,p.URL)
 signIn(b); app := enrol(t,p,b)
 for range 3 {
 t0:=time.Now(); signOut(b); t.Logf("sign-out %.2f", time.Since(t0).Seconds())
 p.Ahead(p.Now().Sub(time.Now())+time.Minute)
 t0=time.Now(); signIn(b); t.Logf("sign-in %.2f", time.Since(t0).Seconds())
 b.Type("code",app.Code(p.Now())); t0=time.Now(); b.Click("Verify"); t.Logf("verify %.2f", time.Since(t0).Seconds())
 }
}
