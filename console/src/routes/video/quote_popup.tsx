import { type RefObject, useEffect, useState } from 'react';
import { Button } from '../../components/button';
import { copy, formatQuote, permalink } from '../../components/clipboard';

interface Selected {
  text: string;
  ms: number;
  top: number;
  left: number;
}

function timeOf(node: Node | null): number | null {
  const element = node instanceof Element ? node : (node?.parentElement ?? null);
  const ms = element?.closest<HTMLElement>('[data-ms]')?.dataset.ms;
  return ms === undefined ? null : Number(ms);
}

/** What is selected within the transcript; null when nothing is. */
function readSelection(container: HTMLElement): Selected | null {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  if (!container.contains(range.commonAncestorContainer)) return null;
  const text = selection.toString().trim();
  const ms = timeOf(range.startContainer) ?? timeOf(range.endContainer);
  if (!text || ms === null) return null;
  const box = range.getBoundingClientRect();
  const frame = container.getBoundingClientRect();
  return {
    text,
    ms,
    top: Math.max(8, box.top - frame.top - 44),
    left: Math.min(Math.max(8, box.left - frame.left), Math.max(8, frame.width - 230)),
  };
}

interface QuotePopupProps {
  container: RefObject<HTMLElement | null>;
  title: string;
  videoId: string;
}

/** Offers to cite what is selected. */
export function QuotePopup({ container, title, videoId }: QuotePopupProps) {
  const [selected, setSelected] = useState<Selected | null>(null);
  useEffect(() => {
    const read = () => setSelected(container.current && readSelection(container.current));
    document.addEventListener('selectionchange', read);
    return () => document.removeEventListener('selectionchange', read);
  }, [container]);
  if (!selected) return null;
  const { text, ms, top, left } = selected;
  return (
    // Pressing a button must not take the selection away first.
    // biome-ignore lint/a11y/noStaticElementInteractions: the buttons inside are the controls
    <div
      className="quote-popup"
      style={{ top, left }}
      onMouseDown={(event) => event.preventDefault()}
    >
      <Button
        look="quiet"
        icon="quote"
        onClick={() => void copy(formatQuote({ text, title, videoId, ms }), 'Quote')}
      >
        Copy quote
      </Button>
      <Button look="quiet" icon="link" onClick={() => void copy(permalink(videoId, ms), 'Link')}>
        Link
      </Button>
    </div>
  );
}
