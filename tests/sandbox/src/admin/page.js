'use strict';
const token = document.body.dataset.token;
const byId = (id) => document.getElementById(id);
const rows = new Map([...document.querySelectorAll('[data-switch]')].map((row) => [row.dataset.switch, row]));

// Everything from the server becomes text, never markup.
function show(state) {
  const armed = new Map();
  for (const one of state.switches) armed.set(one.name, [...(armed.get(one.name) ?? []), one.armed]);
  for (const [name, row] of rows) {
    const list = armed.get(name) ?? [];
    row.classList.toggle('on', list.length > 0);
    row.querySelector('[type=checkbox]').checked = list.length > 0;
    row.querySelector('.armed').textContent = list.join(', ');
  }
  for (const person of state.people) {
    document.querySelector(`[data-person="${person.number}"] .state`).textContent = person.state;
  }
  byId('none').hidden = state.requests.length > 0;
  byId('requests').replaceChildren(...state.requests.map(requestRow));
}

function requestRow(request) {
  const row = document.createElement('tr');
  const time = request.time.slice(11, 19);
  for (const text of [time, request.method, request.path, request.status, request.ms, request.id ?? '–']) {
    row.insertCell().textContent = text;
  }
  row.classList.toggle('bad', request.status >= 400);
  return row;
}

async function poll() {
  try {
    const answer = await fetch('/state', { cache: 'no-store' });
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
    byId('connection').textContent = '接続中 connected';
  } catch {
    byId('connection').textContent = '応答なし no answer';
  }
  setTimeout(poll, 1000);
}

async function change(fields) {
  const answer = await fetch('/switch', { method: 'POST', body: new URLSearchParams({ token, ...fields }) });
  byId('failure').textContent = answer.ok ? '' : '変更できません not changed';
  if (answer.ok) show(await answer.json());
}

for (const [name, row] of rows) {
  const box = row.querySelector('[type=checkbox]');
  box.addEventListener('change', () => {
    const times = row.querySelector('.times').value;
    const value = row.querySelector('.value').value;
    change(box.checked ? { do: 'arm', name, times, value } : { do: 'disarm', name });
  });
}
byId('disarm-all').addEventListener('click', () => change({ do: 'disarm-all' }));
byId('filter').addEventListener('input', (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const row of rows.values()) row.hidden = !row.textContent.toLowerCase().includes(wanted);
});
poll();
