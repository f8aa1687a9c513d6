import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Component, lazy, type ReactNode, Suspense, useEffect } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { ErrorNotice, Notice, Skeleton } from './components/list_state';
import { Shell } from './components/shell';
import { SearchPage } from './routes/search/search_page';
import { connectEvents } from './services/events';
import { sessionQuery } from './services/session';

const SignInPage = lazy(() => import('./routes/signin/sign_in_page'));
const VideoPage = lazy(() => import('./routes/video/video_page'));
const LibraryPage = lazy(() => import('./routes/library/library_page'));
const PeoplePage = lazy(() => import('./routes/people/people_page'));
const PersonPage = lazy(() => import('./routes/people/person_page'));
const JobsPage = lazy(() => import('./routes/jobs/jobs_page'));
const SettingsPage = lazy(() => import('./routes/settings/settings_page'));

export function App() {
  const session = useQuery(sessionQuery);
  if (session.isPending) return null;
  if (session.isError) {
    return (
      <main className="page">
        <ErrorNotice error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  if (session.data === null) {
    return (
      <Suspense>
        <SignInPage />
      </Suspense>
    );
  }
  return <SignedIn />;
}

function SignedIn() {
  const client = useQueryClient();
  const [path] = useLocation();
  useEffect(() => connectEvents(client), [client]);
  return (
    <Shell>
      <PageBoundary key={path}>
        <Suspense fallback={<Skeleton />}>
          <Switch>
            <Route path="/" component={SearchPage} />
            <Route path="/videos/:id">{({ id }) => <VideoPage key={id} videoId={id} />}</Route>
            <Route path="/library" component={LibraryPage} />
            <Route path="/people" component={PeoplePage} />
            <Route path="/people/:id">{({ id }) => <PersonPage key={id} personId={id} />}</Route>
            <Route path="/jobs" component={JobsPage} />
            <Route path="/settings" component={SettingsPage} />
            <Route>
              <Notice icon="search" title="There is no such page">
                <Link href="/">Search instead</Link>
              </Notice>
            </Route>
          </Switch>
        </Suspense>
      </PageBoundary>
    </Shell>
  );
}

/** A defect of one page does not take the others with it. */
class PageBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  override render() {
    if (this.state.error === null) return this.props.children;
    return <ErrorNotice error={this.state.error} onRetry={() => this.setState({ error: null })} />;
  }
}
