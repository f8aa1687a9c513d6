import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { liveState } from '../services/events';
import { useStore } from '../services/store';
import { isSending, uploads } from '../services/uploads';
import { HelpDialog } from './help_dialog';
import { Icon, type IconName } from './icon';
import { Toasts } from './toasts';
import { useKeys } from './use_keys';

const PLACES: readonly { href: string; label: string; icon: IconName }[] = [
  { href: '/', label: 'Search', icon: 'search' },
  { href: '/library', label: 'Library', icon: 'library' },
  { href: '/people', label: 'People', icon: 'people' },
  { href: '/jobs', label: 'Jobs', icon: 'jobs' },
  { href: '/settings', label: 'Settings', icon: 'settings' },
];

function isHere(href: string, path: string): boolean {
  if (href === '/library') return path === href || path.startsWith('/videos/');
  if (href === '/people') return path === href || path.startsWith('/people/');
  return path === href;
}

export function Shell({ children }: { children: ReactNode }) {
  const [path, navigate] = useLocation();
  const [helping, setHelping] = useState(false);
  useStore(uploads);
  useKeys({
    '?': () => setHelping(true),
    '/': () => {
      const box = document.querySelector<HTMLInputElement>('[data-search]');
      if (box) box.select();
      else navigate('/');
    },
  });
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <nav className="rail" aria-label="Places">
        <Link href="/" className="rail-logo" aria-label="Narralytica, search">
          <img src="/favicon.svg" alt="" width={28} height={28} />
        </Link>
        {PLACES.map(({ href, label, icon }) => (
          <Link
            key={href}
            href={href}
            className="rail-item"
            aria-current={isHere(href, path) ? 'page' : undefined}
          >
            <Icon name={icon} size={20} />
            <span>{label}</span>
            {href === '/library' && isSending() && (
              <span className="rail-busy" title="Uploading" role="img" aria-label="uploading" />
            )}
          </Link>
        ))}
        <button type="button" className="rail-item rail-help" onClick={() => setHelping(true)}>
          <Icon name="keyboard" size={20} />
          <span>Keys</span>
        </button>
      </nav>
      <div className="shell-body">
        <LiveBar />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
      <HelpDialog open={helping} onClose={() => setHelping(false)} />
      <Toasts />
    </div>
  );
}

function LiveBar() {
  const state = useStore(liveState);
  if (state !== 'lost') return null;
  return (
    <p className="bar bar-warn" role="status">
      <Icon name="retry" size={16} />
      Live updates are interrupted; connecting again. What you see may be out of date.
    </p>
  );
}
