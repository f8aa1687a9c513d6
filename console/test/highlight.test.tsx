import { render } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { Highlight, parseHighlight } from '../src/components/highlight';

describe('parseHighlight', () => {
  test('cuts at the marks', () => {
    expect(parseHighlight('the <mark>spring</mark> tide')).toEqual([
      { text: 'the ', marked: false },
      { text: 'spring', marked: true },
      { text: ' tide', marked: false },
    ]);
  });
  test('undoes the escapes once', () => {
    expect(parseHighlight('a &lt;b&gt; &amp;lt; &quot;c&quot; &#39;d&#39;')).toEqual([
      { text: 'a <b> &lt; "c" \'d\'', marked: false },
    ]);
  });
  test('an unclosed mark lasts to the end', () => {
    expect(parseHighlight('<mark>all')).toEqual([{ text: 'all', marked: true }]);
  });
  test('nothing is nothing', () => expect(parseHighlight('')).toEqual([]));
});

test('what is not a mark is shown as text and never becomes an element', () => {
  const hostile =
    '<img src=x onerror="alert(1)"><mark>x</mark><script>alert(2)</script><mark onclick=y>';
  const { container } = render(
    <p>
      <Highlight html={hostile} />
    </p>,
  );
  expect(container.querySelectorAll('mark')).toHaveLength(1);
  expect(container.querySelector('img, script')).toBeNull();
  expect(container.textContent).toContain('<img src=x onerror="alert(1)">');
});
