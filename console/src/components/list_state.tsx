// What a list shows when it has nothing to show: loading, error, forbidden, empty.
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiError } from '../services/http';
import { Button } from './button';
import { Icon, type IconName } from './icon';

interface NoticeProps {
  icon: IconName;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  role?: 'alert' | 'status';
}

export function Notice({ icon, title, children, action, role }: NoticeProps) {
  return (
    <div className="notice" role={role}>
      <span className="notice-icon">
        <Icon name={icon} size={22} />
      </span>
      <p className="notice-title">{title}</p>
      {children && <div className="notice-text">{children}</div>}
      {action && <div className="notice-action">{action}</div>}
    </div>
  );
}

interface ErrorNoticeProps {
  error: unknown;
  onRetry?: () => void;
  action?: ReactNode; // instead of trying again
}

export function ErrorNotice({ error, onRetry, action }: ErrorNoticeProps) {
  if (error instanceof ApiError && error.status === 403) {
    return (
      <Notice icon="key" title="You may not see this" role="alert">
        {sentence(error.message)} An admin can give you the role for it.
      </Notice>
    );
  }
  const known = error instanceof ApiError ? error : null;
  // The caller's own doing: trying again, or asking for help, leads nowhere.
  const isOurs = !known || known.status === 0 || known.status >= 429;
  return (
    <Notice
      icon="alert"
      title={known ? sentence(known.message) : 'Something went wrong on this page'}
      role="alert"
      action={
        action ||
        (isOurs && onRetry && (
          <Button icon="retry" onClick={onRetry}>
            Try again
          </Button>
        ))
      }
    >
      {known?.hint && <p>{sentence(known.hint)}</p>}
      {isOurs && known?.correlationId && (
        <p className="muted">
          Quote <code>{known.correlationId}</code> when you ask for help.
        </p>
      )}
    </Notice>
  );
}

/** "the job has ended" → "The job has ended." */
export function sentence(text: string): string {
  if (!text) return text;
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** Grey bars where rows will be; the style sheet holds them back for 200 ms. */
export function Skeleton({ rows = 6, tall = false }: { rows?: number; tall?: boolean }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className={tall ? 'skeleton-row skeleton-tall' : 'skeleton-row'} />
      ))}
    </div>
  );
}

interface ListStateProps<T extends { items: readonly unknown[] }> {
  query: UseQueryResult<T>;
  empty: ReactNode;
  rows?: number;
  tall?: boolean;
  children: (data: T) => ReactNode;
}

export function ListState<T extends { items: readonly unknown[] }>({
  query,
  empty,
  rows = 6,
  tall = false,
  children,
}: ListStateProps<T>) {
  if (query.data && !(query.isError && query.isPlaceholderData)) {
    return query.data.items.length === 0 ? empty : children(query.data);
  }
  if (query.isError) {
    return <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />;
  }
  return <Skeleton rows={rows} tall={tall} />;
}
