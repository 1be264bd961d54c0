// What the page gains with scripts: copying a command, and searching the tables.
'use strict';
for (const pre of document.querySelectorAll('pre.cmd')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy';
  const text = pre.querySelector('code').textContent;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      const range = document.createRange();
      range.selectNodeContents(pre.querySelector('code'));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1600);
  });
  pre.append(button);
}
for (const query of document.querySelectorAll('input[type=search]')) {
  const rows = [...document.querySelectorAll(query.dataset.rows)];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const form = query.form;
  const shown = form.querySelector('output');
  const count = () => {
    const visible = rows.filter((row) => row.offsetParent !== null).length;
    shown.textContent = `${visible} of ${rows.length} shown`;
  };
  const search = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, i) => { row.hidden = !words.every((w) => texts[i].includes(w)); });
    count();
  };
  query.closest('[hidden]').hidden = false;
  query.addEventListener('input', search);
  form.addEventListener('change', count);
  form.addEventListener('submit', (event) => event.preventDefault());
  query.closest('details')?.addEventListener('toggle', count);
  count();
}
