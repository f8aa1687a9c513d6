import { formatCount } from '../format';
import { Button } from './button';

// What the API reaches by offset.
const OFFSET_MAX = 10_000;

interface PagerProps {
  page: number; // from 1
  size: number;
  total: number;
  onPage: (page: number) => void;
}

export function Pager({ page, size, total, onPage }: PagerProps) {
  const first = (page - 1) * size + 1;
  const last = Math.min(page * size, total);
  if (total <= size && page === 1) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <Button icon="back" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        Previous
      </Button>
      <span className="muted number">
        {formatCount(first)}–{formatCount(last)} of {formatCount(total)}
      </span>
      <Button disabled={last >= total || page * size > OFFSET_MAX} onClick={() => onPage(page + 1)}>
        Next
      </Button>
    </nav>
  );
}
