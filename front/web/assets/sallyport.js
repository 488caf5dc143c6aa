// Everything here makes a working page nicer; nothing works only here. Words
// stand in the page's data attributes, because the catalogue is the one place
// for them.
'use strict';
const all = (what) => document.querySelectorAll(what);
const one = (what) => document.querySelector(what);
const fill = (text, n) => text.replace('{n}', n);

// Focus goes to what went wrong, also where autofocus on a box is not known.
one('.error-summary')?.focus();

// A page out of the back/forward cache may show a state that is over.
addEventListener('pageshow', (e) => { if (e.persisted) location.reload(); });

// A form goes out once in five seconds, however often the button is pressed.
for (const form of all('form')) {
  let sent = -Infinity;
  form.addEventListener('submit', (e) => {
    if (e.defaultPrevented) return;
    if (e.timeStamp - sent < 5000) { e.preventDefault(); return; }
    sent = e.timeStamp;
    // Password managers and the browser's own history look at the type.
    for (const b of form.querySelectorAll('[data-show]')) field(b).type = 'password';
  });
}

// Show and hide a password; say when Caps Lock is on.
function field(button) { return document.getElementById(button.getAttribute('aria-controls')); }
for (const button of all('[data-show]')) {
  const input = field(button), { show: hide, label: hideLabel, on, off } = button.dataset;
  const show = button.textContent, showLabel = button.getAttribute('aria-label');
  const caps = button.parentElement.nextElementSibling, say = caps.nextElementSibling;
  button.hidden = false;
  button.addEventListener('click', () => {
    const visible = input.type === 'password';
    input.type = visible ? 'text' : 'password';
    button.textContent = visible ? hide : show;
    button.setAttribute('aria-label', visible ? hideLabel : showLabel);
    say.textContent = visible ? on : off;
  });
  for (const kind of ['keydown', 'keyup']) {
    input.addEventListener(kind, (e) => { caps.hidden = !e.getModifierState?.('CapsLock'); });
  }
  input.addEventListener('blur', () => { caps.hidden = true; });
}

// Copy what the button's own element holds, without the spaces of a key.
for (const button of all('[data-copy]')) {
  if (!navigator.clipboard) break;
  const label = button.textContent, say = document.getElementById(button.dataset.say);
  button.hidden = false;
  button.addEventListener('click', async () => {
    const items = [...all(button.dataset.copy)].map((e) => e.textContent.replace(/\s/g, ''));
    try {
      await navigator.clipboard.writeText(items.join('\n'));
      say.setAttribute('role', 'status');
      say.className = 'vh';
      button.textContent = say.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; say.textContent = ''; }, 3000);
    } catch {
      say.className = 'bad';
      say.setAttribute('role', 'alert');
      say.textContent = button.dataset.failed;
    }
  });
}
for (const button of all('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}

// Times in the person's own zone. The page's own form is kept, so that nothing
// moves; the zone is no longer named, because it is the one on the wall.
const two = (n) => String(n).padStart(2, '0');
const month = (d, form) => d.toLocaleString(document.documentElement.lang, { month: form });
const clock = (d) => `${two(d.getHours())}:${two(d.getMinutes())}`;
const local = {
  'time': clock,
  'exact': (d) => `${clock(d)}:${two(d.getSeconds())}`,
  'when': (d) => `${d.getDate()} ${month(d, 'short')} ${clock(d)}`,
  'recent': (d, was) => was.replace(/\d\d:\d\d/, clock(d)),
};
for (const time of all('time[data-form]')) {
  const at = new Date(time.dateTime), write = local[time.dataset.form];
  if (!write) continue;
  // The day of a list entry was reckoned in the portal's zone; leave it when
  // the person's zone has another one.
  if (time.dataset.form === 'recent' && at.getDate() !== at.getUTCDate()) continue;
  time.textContent = write(at, time.textContent);
}

// The right time, ticking, beside advice on a wrong clock. The server's time
// counts: this computer's clock may be the wrong one.
for (const time of all('time[data-form="exact"]')) {
  const began = performance.now(), from = new Date(time.dateTime).getTime();
  time.setAttribute('aria-hidden', 'true');
  setInterval(() => { time.textContent = local.exact(new Date(from + performance.now() - began)); }, 1000);
}

// Countdowns tick for the eye and are announced once, at the end.
for (const span of all('[data-countdown]')) {
  const { countdown, tick, tickOne, end, tell, slow } = span.dataset;
  const until = performance.now() + 1000 * countdown, every = slow ? 30000 : 1000;
  if (countdown <= 0) continue;
  span.setAttribute('aria-hidden', 'true');
  const show = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      span.textContent = '';
      const say = document.getElementById(tell);
      say.textContent = end;
      say.classList.remove('vh');
      return;
    }
    if (!slow) span.textContent = left === 1 ? tickOne : fill(tick, left);
    else span.textContent = ' ' + tick.replace('{time}', clock(new Date(Date.now() + left * 1000))).replace('{left}', length(left, span.dataset));
  };
  const timer = setInterval(show, every);
  if (slow) setTimeout(show, 1000 * countdown);
  show();
}
// length says hours and minutes, or minutes and seconds.
function length(s, words) {
  const part = (n, unit) => (n === 1 ? words[unit] : fill(words[unit + 's'], n));
  const parts = s >= 3600 ? [[s / 3600, 'hour'], [s % 3600 / 60, 'minute']] : [[s / 60, 'minute'], [s % 60, 'second']];
  return parts.map(([n, unit]) => [Math.floor(n), unit]).filter(([n]) => n).map(([n, unit]) => part(n, unit)).join(' ');
}

// The rest of a 30-second step, where a code was used already.
for (const p of all('[data-step-left]')) {
  p.textContent = fill(p.dataset.stepLeft, 30 - Math.floor(Date.now() / 1000) % 30);
  p.hidden = false;
}

// Phones that offer the code of a text message fill the field; sending stays
// with the person.
for (const input of all('[data-webotp]')) {
  if (!('OTPCredential' in window)) break;
  const stop = new AbortController();
  input.form.addEventListener('submit', () => stop.abort());
  navigator.credentials.get({ otp: { transport: ['sms'] }, signal: stop.signal })
    .then((otp) => { if (otp && !input.value) input.value = otp.code; }, () => {});
}

// Whether the text message arrived, asked every five seconds for a minute.
for (const p of all('[data-delivery]')) {
  let asked = 0;
  const timer = setInterval(async () => {
    if (++asked >= 12) clearInterval(timer);
    try {
      const answer = await (await fetch(p.dataset.delivery, { headers: { Accept: 'application/json' } })).json();
      if (answer.state === 'failed') location.reload();
      if (answer.state !== 'delivered') return;
      clearInterval(timer);
      p.textContent = answer.text;
    } catch { clearInterval(timer); }
  }, 5000);
}

// Warn before the session ends: two minutes before, and again at 30 seconds.
for (const box of all('[data-idle]')) {
  const form = box.querySelector('form'), words = box.querySelector('p');
  const idle = 1000 * box.dataset.idle, hard = performance.now() + 1000 * box.dataset.hard;
  let timers = [];
  const warn = (text, stay) => { words.textContent = text; form.hidden = !stay; box.hidden = true; requestAnimationFrame(() => { box.hidden = false; }); };
  const start = () => {
    const last = hard - performance.now(), stay = idle < last;
    timers.forEach(clearTimeout);
    timers = [120000, 30000].map((before) => setTimeout(() => warn(stay ? box.dataset.soon : box.dataset.over, stay), Math.max(0, Math.min(idle, last) - before)));
  };
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    try {
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok || answer.redirected) throw answer;
      box.hidden = true;
      start();
    } catch { form.submit(); }
  });
  start();
}
